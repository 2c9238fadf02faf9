/*
 * GoKer etcd 10492: the lessor holds its lock while it calls a checkpointer that was given to it, and which calls the lessor.
 */
#include "kernel.h"

struct lessor {
    oak_rwmutex m;
    int (*checkpointer)(struct lessor *);
};

static int checkpoint(struct lessor *l)
{
    must(oak_rwmutex_lock(&l->m) == 0);
    oak_rwmutex_unlock(&l->m);
    return 0;
}

OAK_TASK(renew, struct lessor *, l)
{
    must(oak_rwmutex_lock(&l->m) == 0);
    must(l->checkpointer(l) == 0);
    oak_rwmutex_unlock(&l->m);
}

KERNEL
{
    struct lessor *l = calloc(1, sizeof *l);
    l->checkpointer = checkpoint;
    go(renew, l);
}

LEAKS(renew);
