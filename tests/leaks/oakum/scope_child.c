/* A scope waits for its children; one of them waits for what nobody can send: both stay. */
#include "kernel.h"

OAK_TASK(child, oak_chan(int), ch)
{
    int v;
    must(oak_recv(ch, &v) == 0);
}

OAK_TASK(ends, int, unused)
{
    (void)unused;
}

OAK_TASK(owner, int, unused)
{
    (void)unused;
    oak_scope (s) {
        must(oak_go(s, child, oak_make(int, 0)) == 0);
        must(oak_go(s, ends, 0) == 0);
    }
}

KERNEL
{
    go(owner, 0);
}

LEAKS(owner, child);
