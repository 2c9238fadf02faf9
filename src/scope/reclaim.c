/*
 * A goroutine that is given up: cancelled for good, alone.
 *
 * Its ambient context may be others', too, and each block that it leaves (oak_with_ctx, oak_scope) brings back the context
 * outside. So all that stand on its stack are exchanged for children of theirs that have ended: values are still found in
 * them, and a shield opened later still shields. The scopes that it has opened end, as they do when a panic leaves them.
 *
 * Nobody else looks at any of this while the goroutine's wait is claimed. To a race detector the claim does not show as an
 * order between the two, hence SCHEDULER_STEP.
 */
#include "scope/ctx.h"
#include "scope/panic.h"

/* Where there is no memory for a child. The outer one then stays for ever: a child would have held it. */
static struct oak_ctx cancelled = {.ended = -ECANCELED,
                                   .cause = -ECANCELED,
                                   .refs = UINT32_MAX / 2,
                                   .pins = 1,
                                   .magic = OAK__CTX_MAGIC,
                                   .deadline = OAK_FOREVER};

struct oak_ctx *oak__ctx_make_ended(struct oak_ctx *outer)
{
    struct oak_ctx *c = oak__ctx_make(outer, OAK_FOREVER, false);
    if (!c) {
        oak_ctx_ref(outer);
        return oak_ctx_ref(&cancelled);
    }
    oak_ctx_cancel(c, -ECANCELED);
    return c;
}

SCHEDULER_STEP void oak__reclaim(struct oak__g *g)
{
    for (struct oak__defer *d = g->defers; d; d = d->outer) {
        oak__ambient_reclaim(d);
        oak__scope_reclaim(d);
    }
    struct oak_ctx *ended = oak__ctx_make_ended(load_relaxed(&g->ctx));
    oak__enter();
    oak__ctx_switch(g, ended);
    oak__ctx_put(ended);
    oak__exit();
}
