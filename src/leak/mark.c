#include "leak/mark.h"
#include "leak/sort.h"

enum { PIECE = 2048 };
size_t oak__mark_most_pieces = 1 << 20;

/* ---- what follows from what ---- */

static inline void note(struct oak__mark *m, uintptr_t unit, enum oak__how how, uintptr_t by)
{
    if (unlikely(m->trace))
        oak__trace_note(m->trace, unit, how, by);
}

static void awaken(struct oak__mark *m, uint32_t index, enum oak__how how, uintptr_t by)
{
    struct oak__node *n = &m->world->nodes[index];
    if (n->live)
        return;
    note(m, n->g, how, by);
    n->live = true;
    n->next_live = m->live;
    m->live = index + 1;
}

static void context_alive(struct oak__mark *m, uint32_t index, enum oak__how how, uintptr_t by)
{
    struct oak__ctx_node *c = &m->world->ctxs[index];
    if (c->alive)
        return;
    note(m, c->at, how, by);
    c->alive = true;
    c->next_alive = m->alive;
    m->alive = index + 1;
}

static void reconsider(struct oak__mark *m, const struct oak__wait *x)
{
    const bool of_others = x->rule == OAK__RULE_HOLDERS || x->rule == OAK__RULE_BEHIND;
    const bool ends = x->reached && (x->rule == OAK__RULE_REACH || x->rule == OAK__RULE_CHILD ||
                                     (of_others && x->holders == 0));
    if (ends && of_others)
        awaken(m, x->node, OAK__HOW_HOLDER, m->world->nodes[x->holder - 1].g);
    else if (ends)
        awaken(m, x->node, OAK__HOW_WAITS, x->object);
}

/* Somebody live reaches the block or the stack that begins at unit. */
static void unit_reached(struct oak__mark *m, uintptr_t unit)
{
    struct oak__wait *waits = m->world->waits;
    for (uint32_t i = m->waits_of[mark_hash(m, unit)]; i; i = waits[i - 1].next) {
        struct oak__wait *x = &waits[i - 1];
        if (x->reached || oak__mark_unit_of(m, x->object) != unit)
            continue;
        x->reached = true;
        reconsider(m, x);
    }
}

static void places_may_come(struct oak__mark *m, const struct oak__scope_node *s, enum oak__how how,
                            uintptr_t by)
{
    for (uint32_t i = s->place_wait; i; i = m->world->waits[i - 1].next_place)
        awaken(m, m->world->waits[i - 1].node, how, by);
}

/* ---- references ---- */

/* False: there is no place left. */
static bool push(struct oak__mark *m, const char *at, uintptr_t address, size_t n, bool in_heap)
{
    if (m->npieces == m->most_pieces)
        return false;
    m->pieces[m->npieces++] = (struct oak__piece){at, address, n, in_heap};
    return true;
}

static bool push_part(struct oak__mark *m, const struct oak__block *b, const struct oak__span *part)
{
    return push(m, b->local + (part->lo - b->lo), part->lo, part->hi - part->lo, true);
}

static void push_block(struct oak__mark *m, const struct oak__block *b)
{
    const struct oak__span block = {b->lo, b->hi};
    struct oak__span part = block;
    bool fits = true;
    if (likely(!m->tables->nquiet))
        fits = push_part(m, b, &part);
    else
        for (uintptr_t at = b->lo; fits && oak__quiet_next(m->tables, &block, &at, &part);)
            fits = push_part(m, b, &part);
    if (unlikely(!fits))
        oak__mark_miss_block(m, b);
}

void oak__mark_look_at(struct oak__mark *m, const struct oak__block *b)
{
    const struct oak__span block = {b->lo, b->hi};
    struct oak__span part;
    for (uintptr_t at = b->lo; oak__quiet_next(m->tables, &block, &at, &part);) {
        push_part(m, b, &part);
        oak__mark_drain(m);
    }
}

static bool push_range(struct oak__mark *m, uintptr_t lo, uintptr_t hi)
{
    lo = round_up(lo, (uintptr_t)OAK__STRIDE);
    const char *at = lo < hi ? oak__image_at(m->img, lo, hi - lo) : NULL;
    return !at || push(m, at, lo, hi - lo, false);
}

static void reach_block(struct oak__mark *m, const struct oak__block *b)
{
    bool before = block_mark(b);
    if (m->collecting) {
        oak__mark_collect(m, b, before);
        if (!before)
            push_block(m, b);
        return;
    }
    if (before)
        return;
    note(m, b->lo, OAK__HOW_REFERENCE, m->from);
    push_block(m, b);
    if (block_waited(b))
        unit_reached(m, b->lo);
}

void oak__mark_push_stack(struct oak__mark *m, struct oak__node *n)
{
    if (!push_range(m, n->stack, n->stack + n->stack_size))
        oak__mark_miss_stack(m, n);
}

/* Where the slot of n's stack begins. */
static uintptr_t slot_of(const struct oak__mark *m, const struct oak__node *n)
{
    size_t region, i;
    struct oak__span slot;
    return oak__stack_slot(m->tables, n->stack, &region, &i, &slot) ? slot.lo : 0;
}

static void stack_live(struct oak__mark *m, struct oak__node *n, enum oak__how how, uintptr_t by)
{
    if (n->stack_seen)
        return;
    n->stack_seen = true;
    oak__mark_push_stack(m, n);
    const uintptr_t slot = n->stack ? slot_of(m, n) : 0;
    if (slot) {
        note(m, slot, how, by);
        unit_reached(m, slot);
    }
}

static void reach_scope(struct oak__mark *m, const struct oak__scope_node *s, enum oak__how how, uintptr_t by)
{
    size_t c = oak__table_index(&m->tables->ctx, s->ctx);
    if (c)
        context_alive(m, (uint32_t)c - 1, how, by);
    places_may_come(m, s, how, by);
}

static const struct oak__special *special_at(const struct oak__world *w, uintptr_t p)
{
    size_t i = oak__sorted_above(w->specials, w->nspecials, sizeof *w->specials, p);
    return i && w->specials[i - 1].at == p ? &w->specials[i - 1] : NULL;
}

/* Only the part in use counts, and only of blocked ones: others' stacks are roots. */
static void reach_stack(struct oak__mark *m, size_t region, uintptr_t p)
{
    const struct oak__stack_region *r = &m->tables->stacks[region];
    uint32_t owner = m->world->owners[region].node[(p - r->lo) / r->slot];
    struct oak__node *n = owner ? &m->world->nodes[owner - 1] : NULL;
    if (!n)
        return;
    if (m->collecting) {
        oak__mark_refers(m, slot_of(m, n));
        return;
    }
    const struct oak__special *s = special_at(m->world, p);
    if (s) {
        if (s->scope)
            reach_scope(m, &m->world->scopes[s->scope - 1], OAK__HOW_REFERENCE, m->from);
    } else if (n->blocked && p - n->stack < n->stack_size) {
        stack_live(m, n, OAK__HOW_REFERENCE, m->from);
    }
}

static void reach_context(struct oak__mark *m, const struct oak__area *a, uintptr_t p)
{
    if (!m->collecting)
        context_alive(m, a->index + (uint32_t)((p - a->lo) / m->tables->ctx.object_size), OAK__HOW_REFERENCE,
                      m->from);
}

/* The area that p lies in: often that of the word before. */
static const struct oak__area *area_of(struct oak__mark *m, uintptr_t p)
{
    const struct oak__area *a = &m->areas[m->last_area];
    return p >= a->lo && p < a->hi ? a : oak__mark_area(m, p);
}

static void block_in(const struct oak__mark *m, const struct oak__area *a, uintptr_t p,
                     struct oak__block *out)
{
    if (a->kind == OAK__AREA_SEGMENT)
        oak__segment_block(&m->heap->segments[a->index], p, out);
    else
        oak__large_block(&m->heap->large[a->index], out);
}

static void reach(struct oak__mark *m, uintptr_t p)
{
    const struct oak__area *a = area_of(m, p);
    struct oak__block b;
    if (!a)
        return;
    switch (a->kind) {
    case OAK__AREA_SEGMENT:
    case OAK__AREA_LARGE:
        block_in(m, a, p, &b);
        reach_block(m, &b);
        break;
    case OAK__AREA_STACKS:
        reach_stack(m, a->index, p);
        break;
    default:
        reach_context(m, a, p);
        break;
    }
}

/* Whether a word may refer to anything; it becomes the address. */
static inline bool is_reference(const struct oak__mark *m, uintptr_t *p)
{
#if defined(__aarch64__)
    *p &= ((uintptr_t)1 << 56) - 1; /* the processor ignores the top byte; tags may stand there */
#endif
    return unlikely(*p - m->least < m->span);
}

/* p stands at from. */
static inline void word(struct oak__mark *m, uintptr_t p, uintptr_t from)
{
    if (is_reference(m, &p)) {
        m->from = from;
        reach(m, p);
    }
}

bool oak__mark_heap_block(struct oak__mark *m, uintptr_t p, struct oak__block *out)
{
    const struct oak__area *a = is_reference(m, &p) ? area_of(m, p) : NULL;
    if (!a || a->kind > OAK__AREA_LARGE)
        return false;
    block_in(m, a, p, out);
    return true;
}

void oak__mark_word(struct oak__mark *m, uintptr_t p)
{
    word(m, p, 0);
}

static void look_at_words(struct oak__mark *m, const struct oak__piece *x, size_t part)
{
    m->in_heap = x->in_heap;
    for (size_t i = 0; i < part && i + 8 <= x->n; i += OAK__STRIDE) {
        uintptr_t p;
        memcpy(&p, x->at + i, sizeof p);
        word(m, p, x->address + i);
    }
}

/* Looks at the first part of a piece and puts the rest back: the stack of pieces stays low. */
static void look_at_piece(struct oak__mark *m)
{
    struct oak__piece x = m->pieces[--m->npieces];
    size_t part = x.n > PIECE ? PIECE : x.n;
    if (x.n > PIECE)
        m->pieces[m->npieces++] =
            (struct oak__piece){x.at + PIECE, x.address + PIECE, x.n - PIECE, x.in_heap};
    look_at_words(m, &x, part);
}

/* ---- the work ---- */

static void process_node(struct oak__mark *m, struct oak__node *n)
{
    struct oak__world *w = m->world;
    stack_live(m, n, OAK__HOW_OWNER, n->g);
    if (n->ctx)
        context_alive(m, n->ctx - 1, OAK__HOW_MEMBER, n->g);
    if (n->scope) {
        struct oak__scope_node *s = &w->scopes[n->scope - 1];
        reach_scope(m, s, OAK__HOW_CHILD, n->g);
        if (--s->missing == 0 && s->owner_wait)
            awaken(m, w->waits[s->owner_wait - 1].node, OAK__HOW_CHILD, n->g);
    }
    for (uint32_t i = n->first_hold; i; i = w->holds[i - 1].next) {
        struct oak__wait *x = &w->waits[w->holds[i - 1].wait];
        x->holders--;
        reconsider(m, x);
    }
}

static void process_context(struct oak__mark *m, const struct oak__ctx_node *c)
{
    const struct oak__world *w = m->world;
    for (size_t i = 0; i < countof(c->refs); i++)
        word(m, c->refs[i], c->at);
    for (uint32_t i = c->first_after; i; i = w->afters[i - 1].next)
        word(m, w->afters[i - 1].arg, c->at);
    for (uint32_t i = c->first_child; i; i = w->ctxs[i - 1].next_sibling)
        context_alive(m, i - 1, OAK__HOW_PARENT, c->at);
    for (uint32_t i = c->first_member; i; i = w->nodes[i - 1].next_member)
        awaken(m, i - 1, OAK__HOW_CONTEXT, c->at);
}

/* False: there is nobody left. */
static bool process_one(struct oak__mark *m)
{
    if (m->live) {
        struct oak__node *n = &m->world->nodes[m->live - 1];
        m->live = n->next_live;
        process_node(m, n);
        return true;
    }
    if (m->alive) {
        struct oak__ctx_node *c = &m->world->ctxs[m->alive - 1];
        m->alive = c->next_alive;
        process_context(m, c);
        return true;
    }
    return false;
}

/* What is so many references away from the roots before what is more: so the way to each that is noted is a shortest. */
static void drain_by_distance(struct oak__mark *m)
{
    do {
        for (const size_t end = m->npieces; m->first_piece < end; m->first_piece++) {
            const struct oak__piece x = m->pieces[m->first_piece];
            look_at_words(m, &x, x.n);
        }
        while (process_one(m))
            ;
    } while (m->first_piece < m->npieces);
    m->first_piece = m->npieces = 0;
}

void oak__mark_drain(struct oak__mark *m)
{
    if (m->trace) {
        drain_by_distance(m);
        return;
    }
    do
        while (m->npieces)
            look_at_piece(m);
    while (process_one(m));
}

void oak__mark_finish(struct oak__mark *m)
{
    oak__mark_drain(m);
    if (m->missed)
        oak__mark_missed(m);
}

/* With a trace: all roots first, then what is one reference away, ... */
void oak__mark_range(struct oak__mark *m, uintptr_t lo, uintptr_t hi)
{
    if (m->trace && push_range(m, lo, hi))
        return;
    oak__mark_drain(m);
    push_range(m, lo, hi);
    oak__mark_drain(m);
}

void oak__mark_kept(struct oak__mark *m)
{
    const char *kept = (const char *)m->img->kept;
    const size_t size = m->img->nkept * sizeof *m->img->kept;
    if (m->trace && push(m, kept, (uintptr_t)kept, size, false))
        return;
    oak__mark_drain(m);
    push(m, kept, (uintptr_t)kept, size, false);
    oak__mark_drain(m);
}

void oak__mark_begin(struct oak__mark *m)
{
    struct oak__world *w = m->world;
    for (uint32_t i = 0; i < w->nnodes; i++)
        if (w->nodes[i].live) {
            w->nodes[i].live = false;
            awaken(m, i, OAK__HOW_ITSELF, 0);
        }
    for (uint32_t i = 0; i < w->nctxs; i++)
        if (w->ctxs[i].alive) {
            w->ctxs[i].alive = false;
            context_alive(m, i, OAK__HOW_ITSELF, 0);
        }
    for (size_t i = 0; i < w->nscopes; i++)
        if (w->scopes[i].missing == 0 && w->scopes[i].owner_wait)
            awaken(m, w->waits[w->scopes[i].owner_wait - 1].node, OAK__HOW_ITSELF, 0);
    for (size_t i = 0; i < w->nwaits; i++)
        reconsider(m, &w->waits[i]);
}

void oak__mark_suppose_reached(struct oak__mark *m)
{
    struct oak__world *w = m->world;
    for (uint32_t i = 0; i < w->nctxs; i++)
        context_alive(m, i, OAK__HOW_ITSELF, 0);
    for (size_t i = 0; i < w->nwaits; i++) {
        w->waits[i].reached = true;
        reconsider(m, &w->waits[i]);
    }
}

void oak__mark_all(struct oak__mark *m)
{
    const struct oak__world *w = m->world;
    for (size_t i = 0; i < w->nroots; i++)
        oak__mark_range(m, w->roots[i].lo, w->roots[i].hi);
    oak__mark_finish(m);
}
