/* Each of two goroutines holds one global lock for writing and wants to read what the other holds. */
#include "kernel.h"

oak_rwmutex a, b;
static oak_waitgroup both;

static void read_other(oak_rwmutex *m)
{
    oak_waitgroup_done(&both);
    must(oak_waitgroup_wait(&both) == 0);
    must(oak_rwmutex_rlock(m) == 0);
    oak_rwmutex_runlock(m);
}

OAK_TASK(writes_a, int, unused)
{
    (void)unused;
    must(oak_rwmutex_lock(&a) == 0);
    read_other(&b);
    oak_rwmutex_unlock(&a);
}

OAK_TASK(writes_b, int, unused)
{
    (void)unused;
    must(oak_rwmutex_lock(&b) == 0);
    read_other(&a);
    oak_rwmutex_unlock(&b);
}

KERNEL
{
    oak_waitgroup_add(&both, 2);
    go(writes_a, 0);
    go(writes_b, 0);
}

LEAKS(writes_a, writes_b);
