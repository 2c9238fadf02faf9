/*
 * GoKer cockroach 13197: a transaction starts a goroutine that waits for its context to end. The transaction is forgotten
 * without commit or rollback, so nobody cancels the context.
 */
#include "kernel.h"

struct tx {
    oak_ctx *ctx;
};

OAK_TASK(await_done, struct tx *, tx)
{
    char v;
    must(oak_recv(oak_ctx_done(tx->ctx), &v) == -EPIPE);
}

static struct tx *begin(void)
{
    struct tx *tx = malloc(sizeof *tx);
    must(tx->ctx = oak_ctx_new(NULL));
    go(await_done, tx);
    return tx;
}

KERNEL
{
    must(begin());
}

LEAKS(await_done);
