/*
 * GoKer grpc 1424: a watcher of the balancer tells by closing a channel that the first addresses are there; it returns at
 * an error before that, and the dialler waits.
 */
#include "kernel.h"

struct dialler {
    oak_chan(int) notify, first;
};

OAK_TASK(watcher, struct dialler *, d)
{
    oak_range (d->notify, addresses)
        if (addresses > 0) {
            oak_chan_close(d->first);
            return;
        }
    /* The channel was closed first: nobody closes d->first. */
}

OAK_TASK(dial, struct dialler *, d)
{
    int v;
    must(oak_recv(d->first, &v) == -EPIPE);
}

KERNEL
{
    struct dialler *d = malloc(sizeof *d);
    *d = (struct dialler){oak_make(int, 0), oak_make(int, 0)};
    go(watcher, d);
    go(dial, d);
    oak_chan_close(d->notify);
}

LEAKS(dial);
