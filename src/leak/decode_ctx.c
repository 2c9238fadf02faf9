/*
 * Contexts: whose end each hears of, who feels it, and what the end gives away (a value may be asked for, a done
 * channel is closed, after-functions run).
 *
 * One that has ended already is still telling those below it; one with a deadline will end by itself.
 */
#include "leak/decode.h"
#include "scope/ctx_after.h"

static bool add_context(size_t i, uintptr_t at, void *arg)
{
    struct decode *d = arg;
    const struct oak_ctx *c = oak__image_at(d->img, at, sizeof *c);
    struct oak__ctx_node *n = &d->w->ctxs[i];
    n->at = at;
    if (!c || (load_relaxed(&c->refs) == 0 && load_relaxed(&c->pins) == 0))
        return true;
    n->alive = load_relaxed(&c->ended) != 0 || c->deadline != OAK_FOREVER;
    n->refs[0] = (uintptr_t)c->value;
    n->refs[1] = (uintptr_t)load_relaxed(&c->done);
    n->refs[2] = (uintptr_t)c->next;
    size_t parent = c->outer && !c->shield ? oak__table_index(&d->t->ctx, (uintptr_t)c->outer) : 0;
    if (parent) {
        n->parent = (uint32_t)parent;
        n->next_sibling = d->w->ctxs[parent - 1].first_child;
        d->w->ctxs[parent - 1].first_child = (uint32_t)i + 1;
    }
    return true;
}

/* Under way already (taken): its argument is live whatever becomes of the context. */
static bool add_after(size_t i, uintptr_t at, void *arg)
{
    struct decode *d = arg;
    const struct oak_after *a = oak__image_at(d->img, at, sizeof *a);
    (void)i;
    if (!a || load_relaxed(&a->holders) == 0)
        return true;
    size_t ctx = a->c ? oak__table_index(&d->t->ctx, (uintptr_t)a->c) : 0;
    struct oak__after_node *n = &d->w->afters[d->w->nafters++];
    n->arg = (uintptr_t)a->arg;
    if (ctx && !a->taken) {
        n->next = d->w->ctxs[ctx - 1].first_after;
        d->w->ctxs[ctx - 1].first_after = (uint32_t)d->w->nafters;
    } else {
        add_root(d->w, at + offsetof(struct oak_after, arg),
                 at + offsetof(struct oak_after, arg) + sizeof a->arg);
    }
    return true;
}

/* A scope's owner that waits for its children is not let go by any context. */
static void add_member(struct decode *d, uint32_t index)
{
    struct oak__node *n = &d->w->nodes[index];
    const struct oak__g *g = g_at(d, n->g);
    uintptr_t at = (uintptr_t)load_relaxed(&g->ctx);
    if (!at)
        return;
    n->ctx = (uint32_t)oak__table_index(&d->t->ctx, at);
    if (!n->blocked || n->reason == OAK_WAIT_SCOPE)
        return;
    if (!n->ctx) { /* not from the table: the one that stands in for memory that was out */
        n->blocked = false;
        n->live = true;
        return;
    }
    struct oak__ctx_node *c = &d->w->ctxs[n->ctx - 1];
    n->next_member = c->first_member;
    c->first_member = index + 1;
}

int oak__decode_contexts(struct decode *d)
{
    struct oak__world *w = d->w;
    size_t nafters = oak__table_size(&d->t->after);
    w->nctxs = oak__table_size(&d->t->ctx);
    w->ctxs = oak__scratch_alloc(d->scratch, w->nctxs + 1, sizeof *w->ctxs);
    w->afters = oak__scratch_alloc(d->scratch, nafters + 1, sizeof *w->afters);
    if (!w->ctxs || !w->afters)
        return -ENOMEM;
    oak__table_each(&d->t->ctx, add_context, d);
    oak__table_each(&d->t->after, add_after, d);
    for (uint32_t i = 0; i < w->nnodes; i++)
        if (!w->nodes[i].thread)
            add_member(d, i);
    return 0;
}
