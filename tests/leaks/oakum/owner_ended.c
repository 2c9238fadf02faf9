/* A goroutine ends with a lock held; the lock is a global variable, so reachability alone proves nothing. */
#include "kernel.h"

oak_mutex registry;

OAK_TASK(forgets, int, unused)
{
    (void)unused;
    must(oak_mutex_lock(&registry) == 0);
}

OAK_TASK(waiter, int, unused)
{
    (void)unused;
    must(oak_mutex_lock(&registry) == 0);
    oak_mutex_unlock(&registry);
}

KERNEL
{
    go(forgets, 0);
    kernel_wait_left(0);
    go(waiter, 0);
    go(waiter, 0);
}

LEAKS(waiter);
