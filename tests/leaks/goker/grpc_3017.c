/*
 * GoKer grpc 3017: a timer's call-back takes the cache's lock and returns early, without giving it back, when it finds that it
 * has been aborted; the next user of the cache waits.
 */
#include "kernel.h"

struct cache {
    oak_mutex m;
    bool aborted;
    oak_chan(int) fired;
};

OAK_TASK(on_timer, struct cache *, c)
{
    must(oak_sleep(OAK_MILLISECOND) == 0);
    must(oak_mutex_lock(&c->m) == 0);
    oak_chan_close(c->fired);
    if (c->aborted)
        return;
    oak_mutex_unlock(&c->m);
}

OAK_TASK(remove_conn, struct cache *, c)
{
    int v;
    must(oak_recv(c->fired, &v) == -EPIPE);
    must(oak_mutex_lock(&c->m) == 0);
    oak_mutex_unlock(&c->m);
}

KERNEL
{
    struct cache *c = calloc(1, sizeof *c);
    c->aborted = true;
    c->fired = oak_make(int, 0);
    go(on_timer, c);
    go(remove_conn, c);
}

LEAKS(remove_conn);
