/*
 * GoKer etcd 5509: the client's read lock is not given back on the path that finds it closed; who wants to write waits for
 * ever.
 */
#include "kernel.h"

struct client {
    oak_rwmutex m;
    bool closed;
};

static int acquire(struct client *c)
{
    must(oak_rwmutex_rlock(&c->m) == 0);
    if (c->closed)
        return -EPIPE; /* without the unlock */
    oak_rwmutex_runlock(&c->m);
    return 0;
}

OAK_TASK(get, struct client *, c)
{
    must(acquire(c) == -EPIPE);
    must(oak_rwmutex_lock(&c->m) == 0); /* reconnects */
    oak_rwmutex_unlock(&c->m);
}

KERNEL
{
    struct client *c = calloc(1, sizeof *c);
    c->closed = true;
    go(get, c);
}

LEAKS(get);
