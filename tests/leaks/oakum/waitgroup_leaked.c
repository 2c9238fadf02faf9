/* A wait group's remaining count can only be taken back by those who are leaked themselves. */
#include "kernel.h"

OAK_TASK(worker, oak_waitgroup *, wg, oak_chan(int), ch)
{
    int v;
    must(oak_recv(ch, &v) == 0);
    oak_waitgroup_done(wg);
}

OAK_TASK(waiter, oak_waitgroup *, wg)
{
    must(oak_waitgroup_wait(wg) == 0);
}

KERNEL
{
    oak_waitgroup *wg = calloc(1, sizeof *wg);
    oak_waitgroup_add(wg, 2);
    go(worker, wg, oak_make(int, 0));
    go(worker, wg, oak_make(int, 0));
    go(waiter, wg);
}

LEAKS(worker, waiter);
