/*
 * The end of a context, pushed down to everything below it.
 *
 * First all of the tree is marked ended, each context's children being moved to a list of those still to do;
 * then the goroutines are woken, done channels closed, after-functions started. A loop and a list, no
 * recursion: trees may be deep, goroutines' stacks are not.
 */
#include "scope/ctx.h"

/* Members woken for each holding of the lock: others must get at it, too. */
enum { WAKE_BATCH = 64 };

/* Those still to do, linked by ctx->next. Only the end that took a context off its parent's list has it in
 * one: no context is in two. */
struct todo {
    struct oak_ctx *first, **end;
};

/* Under c's lock: its children go, each referenced, to the end of the list. */
static void detach_children(struct oak_ctx *c, struct todo *t)
{
    struct oak__link *n;
    while ((n = list_pop_front(&c->children))) {
        struct oak_ctx *child = container_of(n, struct oak_ctx, sibling);
        if (!ctx_try_get(child))
            continue; /* being taken apart: nobody is there to feel it */
        *t->end = child;
        t->end = &child->next;
    }
}

/* Marks c; true when it was live. Its children go to the list, its after-functions to *afters. */
static bool mark(struct oak_ctx *c, int err, int cause, struct todo *t, struct oak__link *afters)
{
    lock(&c->lock);
    bool live = load_relaxed(&c->ended) == 0;
    if (live) {
        c->cause = cause;
        store_seq(&c->ended, err); /* the ender's half of the race in ctx.h: store, fence, look at members */
        fence_seq();
        detach_children(c, t);
        oak__afters_take(c, afters);
    }
    unlock(&c->lock);
    return live;
}

static void wake_members(struct oak_ctx *c)
{
    struct oak__g *claimed[WAKE_BATCH];
    int n;
    do {
        struct oak__link *l;
        n = 0;
        lock(&c->lock);
        /* Once it has ended a context needs no members: before each wait they see that it has. */
        while (n < WAKE_BATCH && (l = list_pop_front(&c->goroutines))) {
            struct oak__g *g = container_of(l, struct oak__g, ctx_link);
            if (oak__wait_claim_any(g))
                claimed[n++] = g;
        }
        unlock(&c->lock);
        for (int i = 0; i < n; i++)
            oak__wait_wake(claimed[i], load_relaxed(&c->ended));
    } while (n == WAKE_BATCH);
}

static void announce(struct oak_ctx *c)
{
    oak__ctx_disarm(c);
    wake_members(c);
    oak__ctx_close_done(c);
}

bool oak__ctx_end(struct oak_ctx *root, int err, int cause)
{
    struct oak__link afters = {0};
    struct todo t = {NULL, &t.first};
    if (!mark(root, err, cause, &t, &afters))
        return false;
    for (struct oak_ctx *c = t.first; c; c = c->next)
        mark(c, err, cause, &t, &afters);
    announce(root);
    while (t.first) {
        struct oak_ctx *c = t.first;
        t.first = c->next;
        c->next = NULL;
        announce(c);
        oak__ctx_put(c);
    }
    oak__afters_run(&afters);
    return true;
}

int oak_ctx_cancel(oak_ctx *c, int cause)
{
    if (!ctx_ok(c))
        return -EINVAL;
    oak__enter();
    bool live = oak__ctx_end(c, -ECANCELED, cause ? cause : -ECANCELED);
    oak__exit();
    return live ? 0 : -EALREADY;
}
