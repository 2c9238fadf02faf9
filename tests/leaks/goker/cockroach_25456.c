/*
 * GoKer cockroach 25456: a consistency check waits for the checksum's answer or for the stopper's quiesce; the answer is never
 * computed, and the stopper is stopped by the same goroutine, after the check.
 */
#include "kernel.h"

struct stopper {
    oak_chan(int) quiesce;
};

struct replica {
    struct stopper *stopper;
    oak_chan(int) notify;
};

static int collect_checksum(struct replica *r)
{
    int v;
    return oak_select(oak_on_recv(r->notify, &v), oak_on_recv(r->stopper->quiesce, &v));
}

static void stop(struct stopper *s)
{
    oak_chan_close(s->quiesce);
}

KERNEL
{
    struct stopper *s = malloc(sizeof *s);
    struct replica *r = malloc(sizeof *r);
    s->quiesce = oak_make(int, 0);
    *r = (struct replica){s, oak_make(int, 0)};
    must(collect_checksum(r) >= 0);
    stop(s);
}

LEAKS(kernel);
