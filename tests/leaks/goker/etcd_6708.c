/*
 * GoKer etcd 6708: syncing a client's endpoints holds its lock for writing and asks for the leader, for which the client's
 * request takes the same lock for reading.
 */
#include "kernel.h"

struct cluster_client {
    oak_rwmutex m;
    int endpoints;
};

static int leader(struct cluster_client *c)
{
    must(oak_rwmutex_rlock(&c->m) == 0);
    int n = c->endpoints;
    oak_rwmutex_runlock(&c->m);
    return n;
}

static void set_endpoints(struct cluster_client *c, int n)
{
    must(oak_rwmutex_lock(&c->m) == 0);
    c->endpoints = n;
    must(leader(c) == n);
    oak_rwmutex_unlock(&c->m);
}

OAK_TASK(sync_endpoints, struct cluster_client *, c)
{
    set_endpoints(c, 3);
}

KERNEL
{
    go(sync_endpoints, calloc(1, sizeof(struct cluster_client)));
}

LEAKS(sync_endpoints);
