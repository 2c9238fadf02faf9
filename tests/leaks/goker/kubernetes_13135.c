/*
 * GoKer kubernetes 13135: the cacher's "usable" lock is taken until the first listing is done, and taken again by the
 * listing that follows a break of the watch; who wants to watch waits for it as well.
 */
#include "kernel.h"

struct cacher {
    oak_mutex usable;
    oak_mutex state;
};

static void start_caching(struct cacher *c)
{
    must(oak_mutex_lock(&c->usable) == 0);
}

OAK_TASK(list_and_watch, struct cacher *, c)
{
    start_caching(c);
    must(oak_mutex_lock(&c->state) == 0);
    start_caching(c); /* the watch broke before the first listing was done */
    oak_mutex_unlock(&c->state);
    oak_mutex_unlock(&c->usable);
}

OAK_TASK(watch, struct cacher *, c)
{
    must(oak_mutex_lock(&c->state) == 0);
    oak_mutex_unlock(&c->state);
}

KERNEL
{
    struct cacher *c = calloc(1, sizeof *c);
    go(list_and_watch, c);
    kernel_wait_blocked(list_and_watch, 1);
    go(watch, c);
}

LEAKS(list_and_watch, watch);
