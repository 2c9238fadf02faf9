/* Goroutines and plain threads' stand-ins, as the descriptors tell. */
#include "leak/decode.h"

#include "stack/away.h"

bool oak__stack_slot(const struct oak__tables *t, uintptr_t p, size_t *region, size_t *slot,
                     struct oak__span *out)
{
    for (size_t i = 0; i < t->nstacks; i++) {
        const struct oak__stack_region *r = &t->stacks[i];
        if (p < r->lo || p >= r->hi)
            continue;
        *region = i;
        *slot = (p - r->lo) / r->slot;
        *out = (struct oak__span){r->lo + *slot * r->slot, r->lo + (*slot + 1) * r->slot};
        return true;
    }
    return false;
}

/*
 * Parked, and neither a timer nor the kernel will end that. HELD is a parked one whose stack somebody looks at. A
 * timer may be in flight, off its wheel and not yet at the claim: that this wait has one is told by the timer's
 * argument, the wait's ticket. A scope's owner does nothing but wait on when its time is up.
 */
static bool is_blocked(const struct oak__g *g)
{
    uint64_t wait = load_relaxed(&g->wait);
    enum oak__wait_phase phase = OAK__W_PHASE(wait);
    if (g->kind != OAK__G_GOROUTINE || (phase != OAK__W_PARKED && phase != OAK__W_HELD))
        return false;
    unsigned reason = load_relaxed(&g->reason);
    if (reason == OAK_WAIT_IO || reason == OAK_WAIT_SLEEP || reason == OAK_WAIT_NONE ||
        reason >= OAK_WAIT_REASON_COUNT)
        return false;
    return reason == OAK_WAIT_SCOPE || g->timer.arg != OAK__W_TICKET(wait);
}

static void own_slot(struct decode *d, const struct oak__g *g, uint32_t index, struct oak__span *slot)
{
    size_t region, i;
    *slot = (struct oak__span){0, 0};
    if (g->stack_lo && oak__stack_slot(d->t, (uintptr_t)g->stack_lo, &region, &i, slot))
        d->w->owners[region].node[i] = index + 1;
}

/* Of one that is put away, or was in this wait, the record knows. */
uintptr_t oak__decode_sp(const struct decode *d, const struct oak__g *g, uintptr_t *hi)
{
    const uintptr_t word = oak__image_away(d->img, (uintptr_t)g->stack_lo);
    struct oak__kept k;
    if (OAK__AWAY_STATE(word) <= OAK__STACK_LEAVING ||
        !image_copy(d->img, OAK__AWAY_KEPT(word), &k, sizeof k))
        return (uintptr_t)g->sp;
    *hi = (uintptr_t)k.sp + k.size;
    return (uintptr_t)k.sp;
}

static bool has_parked(const struct oak__g *g)
{
    enum oak__wait_phase phase = OAK__W_PHASE(load_relaxed(&g->wait));
    return g->kind == OAK__G_GOROUTINE && g->stack_lo &&
           (phase == OAK__W_PARKED || phase == OAK__W_HELD || phase == OAK__W_CLAIMED);
}

static void add_node(struct decode *d, uintptr_t at, const struct oak__g *g)
{
    struct oak__world *w = d->w;
    uint32_t index = (uint32_t)w->nnodes++;
    struct oak__node *n = &w->nodes[index];
    *n = (struct oak__node){.g = at,
                            .reason = load_relaxed(&g->reason),
                            .blocked = is_blocked(g),
                            .thread = g->kind == OAK__G_THREAD};
    struct oak__span slot;
    own_slot(d, g, index, &slot);
    n->stack = slot.lo;
    uintptr_t sp = oak__decode_sp(d, g, &slot.hi);
    const bool coming = OAK__AWAY_STATE(oak__image_away(d->img, slot.lo)) == OAK__STACK_COMING;
    if (n->blocked && !coming && sp >= slot.lo && sp < slot.hi) {
        n->stack = sp;
        n->stack_size = (uint32_t)(slot.hi - sp);
    } else {
        n->blocked = false;
    }
    n->live = !n->blocked;
    d->lost_stack = d->lost_stack || (sp == 0 && has_parked(g));
}

/* A stack that was put away, by a source that does not know where: what it refers to is not known, so nothing is proven. */
static void judge_nobody(struct oak__world *w)
{
    for (size_t i = 0; i < w->nnodes; i++) {
        w->nodes[i].blocked = false;
        w->nodes[i].live = true;
    }
}

static bool add_goroutine(size_t i, uintptr_t at, void *arg)
{
    struct decode *d = arg;
    const struct oak__g *g = g_at(d, at);
    (void)i;
    if (g && load_relaxed(&g->id) && g->kind == OAK__G_GOROUTINE)
        add_node(d, at, g);
    return true;
}

static bool add_stand_in(size_t i, uintptr_t at, void *arg)
{
    struct decode *d = arg;
    const uintptr_t g_is = at + offsetof(struct oak__m, stand_in);
    const struct oak__g *g = g_at(d, g_is);
    (void)i;
    if (g && load_relaxed(&g->id))
        add_node(d, g_is, g);
    return true;
}

uint64_t oak__node_id(const struct oak__world *w, const struct oak__node *n)
{
    return image_word(w->img, n->g + offsetof(struct oak__g, id));
}

uint64_t oak__node_wait(const struct oak__world *w, const struct oak__node *n)
{
    return image_word(w->img, n->g + offsetof(struct oak__g, wait));
}

/* When the first lock with an owner is met: most programs' checks need no such table. */
static void hash_ids(struct decode *d)
{
    d->hashed = true;
    for (uint32_t i = 0; i < d->w->nnodes; i++) {
        size_t slot = oak__node_id(d->w, &d->w->nodes[i]) & d->id_mask;
        d->id_next[i] = d->id_slot[slot];
        d->id_slot[slot] = i + 1;
    }
}

uint32_t oak__decode_by_id(struct decode *d, uint64_t id)
{
    if (!d->hashed)
        hash_ids(d);
    uint32_t i = d->id_slot[id & d->id_mask];
    while (i && oak__node_id(d->w, &d->w->nodes[i - 1]) != id)
        i = d->id_next[i - 1];
    return i;
}

int oak__decode_nodes(struct decode *d)
{
    struct oak__world *w = d->w;
    size_t most = oak__table_size(&d->t->g) + oak__table_size(&d->t->m);
    size_t slots = 64;
    if (most > OAK__MOST_NODES)
        return -ENOMEM;
    while (slots < most)
        slots *= 2;
    d->id_mask = slots - 1;
    d->id_slot = oak__scratch_alloc(d->scratch, slots, sizeof *d->id_slot);
    d->id_next = oak__scratch_alloc(d->scratch, most + 1, sizeof *d->id_next);
    w->nodes = oak__scratch_alloc(d->scratch, most + 1, sizeof *w->nodes);
    w->roots = oak__scratch_alloc(d->scratch, 3 * most + (4 + OAK__MORE_REGS) * d->img->nthreads + 4,
                                  sizeof *w->roots);
    if (!w->nodes || !w->roots || !d->id_slot || !d->id_next)
        return -ENOMEM;
    for (size_t i = 0; i < d->t->nstacks; i++) {
        const struct oak__stack_region *r = &d->t->stacks[i];
        w->owners[i].n = (r->hi - r->lo) / r->slot;
        w->owners[i].node = oak__scratch_alloc(d->scratch, w->owners[i].n + 1, sizeof *w->owners[i].node);
        if (!w->owners[i].node)
            return -ENOMEM;
    }
    oak__table_each(&d->t->g, add_goroutine, d);
    oak__table_each(&d->t->m, add_stand_in, d);
    if (d->lost_stack)
        judge_nobody(w);
    return 0;
}
