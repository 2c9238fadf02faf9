/*
 * GoKer grpc 660: a benchmark's workers report that they are done on a channel that the benchmark no longer reads once it
 * has been told to stop.
 */
#include "kernel.h"

enum { WORKERS = 3 };

struct benchmark {
    oak_chan(int) done, stop;
};

OAK_TASK(close_loop, struct benchmark *, b)
{
    int v;
    while (oak_select(oak_on_recv(b->stop, &v), oak_on_default()) == 1)
        oak_yield();
    must(oak_send(b->done, 1) == 0);
}

KERNEL
{
    struct benchmark *b = malloc(sizeof *b);
    int v;
    *b = (struct benchmark){oak_make(int, 0), oak_make(int, 0)};
    for (int i = 0; i < WORKERS; i++)
        go(close_loop, b);
    oak_chan_close(b->stop);
    must(oak_recv(b->done, &v) == 0); /* one is enough to report */
}

LEAKS(close_loop);
