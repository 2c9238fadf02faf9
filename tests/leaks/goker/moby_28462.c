/*
 * GoKer moby 28462: stopping a container's health monitor sends on its stop channel with the container's lock held; the monitor
 * takes that lock to note a probe's result before it looks at the channel.
 */
#include "kernel.h"

struct container {
    oak_mutex m;
    oak_chan(int) stop, locked;
    int probes;
};

static void handle_result(struct container *c)
{
    must(oak_mutex_lock(&c->m) == 0);
    c->probes++;
    oak_mutex_unlock(&c->m);
}

OAK_TASK(monitor, struct container *, c)
{
    int v;
    must(oak_recv(c->locked, &v) == -EPIPE);
    do
        handle_result(c);
    while (oak_select(oak_on_recv(c->stop, &v), oak_on_default()) == 1);
}

OAK_TASK(state_changed, struct container *, c)
{
    must(oak_mutex_lock(&c->m) == 0);
    oak_chan_close(c->locked);
    must(oak_send(c->stop, 1) == 0);
    oak_mutex_unlock(&c->m);
}

KERNEL
{
    struct container *c = calloc(1, sizeof *c);
    c->stop = oak_make(int, 0);
    c->locked = oak_make(int, 0);
    go(monitor, c);
    go(state_changed, c);
}

LEAKS(monitor, state_changed);
