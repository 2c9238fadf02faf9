/* Who acquires more than there will ever be, of a semaphore that nobody else has. */
#include "kernel.h"

OAK_TASK(greedy, oak_sem *, s)
{
    must(oak_sem_acquire(s, 1) == 0);
    must(oak_sem_acquire(s, 1) == 0);
}

KERNEL
{
    oak_sem *s = malloc(sizeof *s);
    must(oak_sem_init(s, 1) == 0);
    go(greedy, s);
}

LEAKS(greedy);
