/* GoKer moby 17176: marking devices as deleted returns early with the set's lock held; a later clean-up waits for it. */
#include "kernel.h"

struct device_set {
    oak_mutex m;
    int deleted;
};

static void clean_up(struct device_set *d)
{
    must(oak_mutex_lock(&d->m) == 0);
    if (d->deleted == 0)
        return;
    oak_mutex_unlock(&d->m);
}

OAK_TASK(worker, struct device_set *, d)
{
    clean_up(d);
    clean_up(d);
}

KERNEL
{
    go(worker, calloc(1, sizeof(struct device_set)));
}

LEAKS(worker);
