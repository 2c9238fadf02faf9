/*
 * GoKer kubernetes 25331: a watch sends its error and then waits until the result channel's reader is done; the reader has
 * gone at the end of the context, and the error channel has no room.
 */
#include "kernel.h"

struct watch {
    oak_chan(int) error, result;
    oak_ctx *ctx;
};

OAK_TASK(run, struct watch *, w)
{
    char v;
    must(oak_recv(oak_ctx_done(w->ctx), &v) == -EPIPE);
    oak_ctx_unref(w->ctx);
    must(oak_send(w->error, -ECANCELED) == 0);
}

KERNEL
{
    struct watch *w = malloc(sizeof *w);
    *w = (struct watch){oak_make(int, 0), oak_make(int, 10), oak_ctx_new(NULL)};
    go(run, w);
    oak_ctx_cancel(w->ctx, -ECANCELED);
}

LEAKS(run);
