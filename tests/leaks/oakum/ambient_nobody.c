/* The ambient context could end the wait, but who could cancel it has forgotten it. */
#include "kernel.h"

OAK_TASK(waiter, oak_ctx *, ctx, oak_chan(int), ch)
{
    int v;
    oak_with_ctx (ctx) {
        must(oak_recv(ch, &v) == 0);
    }
}

KERNEL
{
    oak_ctx *ctx = oak_ctx_new(NULL);
    must(ctx);
    go(waiter, ctx, oak_make(int, 0));
}

LEAKS(waiter);
