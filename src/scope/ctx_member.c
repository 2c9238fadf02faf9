/* Goroutines in a context: joining, leaving, being out of its reach for a while. See ctx.h. */
#include "scope/ctx.h"

int oak__ctx_check_slow(struct oak_ctx *c)
{
    return load_acquire(&c->ended);
}

static void join(struct oak_ctx *c, struct oak__g *g)
{
    lock(&c->lock);
    if (!load_relaxed(&c->ended))
        list_push_back(&c->goroutines, &g->ctx_link);
    unlock(&c->lock);
}

static void leave(struct oak_ctx *c, struct oak__g *g)
{
    lock(&c->lock);
    if (list_linked(&g->ctx_link))
        list_remove(&g->ctx_link);
    unlock(&c->lock);
}

void oak__ctx_attach(struct oak_ctx *c, struct oak__g *g)
{
    oak__ctx_get(c);
    join(c, g);
}

void oak__ctx_detach(struct oak_ctx *c, struct oak__g *g)
{
    leave(c, g);
    oak__ctx_put(c);
}

struct oak_ctx *oak__ctx_exchange(struct oak__g *g, struct oak_ctx *c)
{
    struct oak_ctx *old = load_relaxed(&g->ctx);
    if (old == c)
        return old;
    store_relaxed(&g->ctx, c);
    if (old)
        leave(old, g);
    if (c)
        join(c, g);
    return old;
}

void oak__ctx_switch(struct oak__g *g, struct oak_ctx *c)
{
    /* In this order: c may be held by nothing but the old one, which is its parent. */
    if (c)
        oak__ctx_get(c);
    oak__ctx_put(oak__ctx_exchange(g, c));
}

struct oak_ctx *oak__ctx_mask(struct oak__g *g)
{
    struct oak_ctx *c = load_relaxed(&g->ctx);
    store_relaxed(&g->masked, true);
    if (c) {
        leave(c, g);
        store_relaxed(&g->ctx, NULL);
    }
    return c;
}

void oak__ctx_unmask(struct oak__g *g, struct oak_ctx *masked)
{
    store_relaxed(&g->masked, false);
    if (masked) {
        store_relaxed(&g->ctx, masked);
        join(masked, g);
    }
}

oak_ctx *oak_ctx_current(void)
{
    struct oak__g *g = oak__self();
    return g ? load_relaxed(&g->ctx) : NULL;
}
