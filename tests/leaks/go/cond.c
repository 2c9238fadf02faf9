/* Go's leak-profile tests, "condition": those who wait have it to themselves, so nobody signals. */
#include "kernel.h"

struct shared {
    oak_mutex m;
    oak_cond c;
};

OAK_TASK(waiter, struct shared *, s)
{
    must(oak_mutex_lock(&s->m) == 0);
    must(oak_cond_wait(&s->c, &s->m) == 0);
    oak_mutex_unlock(&s->m);
}

KERNEL
{
    struct shared *s = calloc(1, sizeof *s);
    go(waiter, s);
    go(waiter, s);
}

LEAKS(waiter);
