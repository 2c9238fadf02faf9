/*
 * GoKer cockroach 13755: rows of a query start a goroutine that closes them when the context ends; who asked reads no rows and
 * does not close them, which would have cancelled the context.
 */
#include "kernel.h"

struct rows {
    oak_ctx *ctx;
    oak_mutex closing;
    bool closed;
};

static void rows_close(struct rows *r)
{
    must(oak_mutex_lock(&r->closing) == 0);
    r->closed = true;
    oak_mutex_unlock(&r->closing);
    oak_ctx_cancel(r->ctx, -ECANCELED);
}

OAK_TASK(await_done, struct rows *, r)
{
    char v;
    must(oak_recv(oak_ctx_done(r->ctx), &v) == -EPIPE);
    rows_close(r);
}

static struct rows *query(oak_ctx *parent)
{
    struct rows *r = calloc(1, sizeof *r);
    must(r->ctx = oak_ctx_new(parent));
    go(await_done, r);
    return r;
}

KERNEL
{
    must(query(NULL));
}

LEAKS(await_done);
