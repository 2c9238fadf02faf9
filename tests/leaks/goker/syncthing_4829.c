/* GoKer syncthing 4829: clearing a mapping notifies while it holds the mapping's lock, and the notified asks the mapping. */
#include "kernel.h"

struct mapping {
    oak_rwmutex m;
    int address;
};

static int address(struct mapping *m)
{
    must(oak_rwmutex_rlock(&m->m) == 0);
    int a = m->address;
    oak_rwmutex_runlock(&m->m);
    return a;
}

static void notify(struct mapping *m)
{
    must(address(m) >= 0);
}

static void clear_addresses(struct mapping *m)
{
    must(oak_rwmutex_lock(&m->m) == 0);
    m->address = 0;
    notify(m);
    oak_rwmutex_unlock(&m->m);
}

OAK_TASK(service, struct mapping *, m)
{
    clear_addresses(m);
}

KERNEL
{
    go(service, calloc(1, sizeof(struct mapping)));
}

LEAKS(service);
