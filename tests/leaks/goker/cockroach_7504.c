/*
 * GoKer cockroach 7504: releasing a lease locks the lease's state and then the table's name cache; removing a name locks the
 * cache and then the lease. Each holds what the other waits for.
 */
#include "kernel.h"

struct lease {
    oak_mutex state, cache;
    oak_chan(int) have_state, have_cache;
};

static void met(oak_chan(int) mine, oak_chan(int) other)
{
    int v;
    oak_chan_close(mine);
    must(oak_recv(other, &v) == -EPIPE);
}

OAK_TASK(release_lease, struct lease *, l)
{
    must(oak_mutex_lock(&l->state) == 0);
    met(l->have_state, l->have_cache);
    must(oak_mutex_lock(&l->cache) == 0);
    oak_mutex_unlock(&l->cache);
    oak_mutex_unlock(&l->state);
}

OAK_TASK(remove_name, struct lease *, l)
{
    must(oak_mutex_lock(&l->cache) == 0);
    met(l->have_cache, l->have_state);
    must(oak_mutex_lock(&l->state) == 0);
    oak_mutex_unlock(&l->state);
    oak_mutex_unlock(&l->cache);
}

KERNEL
{
    struct lease *l = calloc(1, sizeof *l);
    l->have_state = oak_make(int, 0);
    l->have_cache = oak_make(int, 0);
    go(release_lease, l);
    go(remove_name, l);
}

LEAKS(release_lease, remove_name);
