/* The wait's own context is forgotten; its parent is not, and the parent's end would end it. Not leaked. */
#include "kernel.h"

oak_ctx *root;

OAK_TASK(waiter, oak_ctx *, ctx, oak_chan(int), ch)
{
    int v;
    oak_with_ctx (ctx) {
        must(oak_recv(ch, &v) == 0);
    }
}

KERNEL
{
    must(root = oak_ctx_new(NULL));
    oak_ctx *child = oak_ctx_new(root);
    must(child);
    go(waiter, child, oak_make(int, 0));
}

NOTHING_LEAKS;
LIVE(waiter);
