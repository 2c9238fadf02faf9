/*
 * GoKer cockroach 35931: a flow that could not be set up tells each of its receivers so, one after the other, in the goroutine
 * that would have started those who read: the second push finds a full channel.
 */
#include "kernel.h"

struct receiver {
    oak_chan(int) rows;
};

struct flow {
    struct receiver *inbound[2];
};

static void push(struct receiver *r, int row)
{
    must(oak_send(r->rows, row) == 0);
}

static void cancel(struct flow *f)
{
    for (int i = 0; i < 2; i++) {
        push(f->inbound[i], -1); /* the error */
        push(f->inbound[i], 0);  /* the end */
    }
}

KERNEL
{
    struct flow *f = malloc(sizeof *f);
    for (int i = 0; i < 2; i++) {
        f->inbound[i] = malloc(sizeof *f->inbound[i]);
        f->inbound[i]->rows = oak_make(int, 1);
    }
    cancel(f);
}

LEAKS(kernel);
