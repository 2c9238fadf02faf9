/*
 * GoKer moby 30408: those who need a plugin wait until it is activated or failed; the failure is noted, and nobody is told.
 */
#include "kernel.h"

struct plugin {
    oak_mutex m;
    oak_cond activated;
    bool active;
    int err;
};

OAK_TASK(wait_active, struct plugin *, p)
{
    must(oak_mutex_lock(&p->m) == 0);
    while (!p->active)
        must(oak_cond_wait(&p->activated, &p->m) == 0);
    oak_mutex_unlock(&p->m);
}

OAK_TASK(activate, struct plugin *, p)
{
    p->err = -ENOENT; /* returns before the broadcast */
}

KERNEL
{
    struct plugin *p = calloc(1, sizeof *p);
    go(wait_active, p);
    go(activate, p);
}

LEAKS(wait_active);
