/*
 * GoKer grpc 862: dialling makes a context of its own and a goroutine that waits for its end; an error path returns without
 * cancelling.
 */
#include "kernel.h"

struct conn {
    oak_ctx *ctx;
    oak_chan(int) ready;
};

OAK_TASK(reset_transport, struct conn *, c)
{
    int v;
    char end;
    must(oak_select(oak_on_recv(c->ready, &v), oak_on_recv(oak_ctx_done(c->ctx), &end)) >= 0);
}

static struct conn *dial(oak_ctx *parent, bool fails)
{
    struct conn *c = malloc(sizeof *c);
    must(c->ctx = oak_ctx_new(parent));
    c->ready = oak_make(int, 0);
    go(reset_transport, c);
    if (fails)
        return NULL; /* without oak_ctx_cancel */
    return c;
}

KERNEL
{
    must(!dial(NULL, true));
}

LEAKS(reset_transport);
