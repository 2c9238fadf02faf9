/* A context with a deadline ends by itself. Not leaked. */
#include "kernel.h"

OAK_TASK(waiter, oak_ctx *, ctx, oak_chan(int), ch)
{
    int v;
    oak_with_ctx (ctx) {
        (void)!oak_recv(ch, &v);
    }
}

KERNEL
{
    oak_ctx *ctx = oak_ctx_with_timeout(NULL, OAK_HOUR);
    must(ctx);
    go(waiter, ctx, oak_make(int, 0));
}

NOTHING_LEAKS;
LIVE(waiter);
