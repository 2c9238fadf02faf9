/* GoKer moby 7559: a proxy's loop locks its table of connections; an error makes it go on without the unlock. */
#include "kernel.h"

struct proxy {
    oak_mutex table;
};

static int connect_to(int n)
{
    return n == 1 ? -ECONNREFUSED : 0;
}

OAK_TASK(udp_proxy, struct proxy *, p)
{
    for (int i = 0; i < 4; i++) {
        must(oak_mutex_lock(&p->table) == 0);
        if (connect_to(i) < 0)
            continue;
        oak_mutex_unlock(&p->table);
    }
}

KERNEL
{
    go(udp_proxy, calloc(1, sizeof(struct proxy)));
}

LEAKS(udp_proxy);
