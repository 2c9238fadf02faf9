/* Go's leak-profile tests, "wait group": one too many was added, so the count never comes to zero. */
#include "kernel.h"

OAK_TASK(worker, oak_waitgroup *, wg)
{
    oak_waitgroup_done(wg);
}

OAK_TASK(waiter, oak_waitgroup *, wg)
{
    must(oak_waitgroup_wait(wg) == 0);
}

KERNEL
{
    oak_waitgroup *wg = calloc(1, sizeof *wg);
    oak_waitgroup_add(wg, 3);
    go(worker, wg);
    go(worker, wg);
    go(waiter, wg);
}

LEAKS(waiter);
