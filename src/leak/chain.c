/*
 * From what marking has noted to a chain: backwards, from the goroutine to a root. Each unit was noted when one that had
 * been noted before led to it, so this ends.
 */
#include "leak/chain.h"

#include "leak/mark.h"
#include "leak/tag.h"
#include "sched/m.h"

enum { MOST_TLS = 64 << 10 };

struct chain_walk {
    const struct oak__mark *m;
    struct oak__chain *out; /* NULL: only counts */
    size_t n, all;
};

/* ---- which unit an address belongs to ---- */

static const struct oak__node *node_at(const struct oak__world *w, uintptr_t a)
{
    for (size_t i = 0; i < w->nnodes; i++)
        if (a - w->nodes[i].g < sizeof(struct oak__g))
            return &w->nodes[i];
    return NULL;
}

static void is_goroutine(const struct oak__world *w, const struct oak__node *n, struct oak__step *s)
{
    s->kind = OAK__STEP_GOROUTINE;
    s->id = oak__node_id(w, n);
    s->thread = n->thread;
}

/*
 * A thread's control block begins with its own address, and so does its third word; thread-local variables lie below. On
 * x86-64; elsewhere it cannot be told by looking at it.
 */
static bool is_below_control_block(const struct oak__mapping *map, uintptr_t a)
{
#if defined(__x86_64__)
    for (uintptr_t p = round_up(a, (uintptr_t)8), end = p + MOST_TLS; p < end && p + 24 <= map->hi; p += 8) {
        const uintptr_t *w = (const void *)(map->local + (p - map->lo));
        if (w[0] == p && w[2] == p)
            return true;
    }
#else
    (void)map, (void)a;
#endif
    return false;
}

static bool is_register(const struct oak__thread *t, uintptr_t a)
{
    bool is = a >= t->regs.lo && a < t->regs.hi;
    for (size_t i = 0; i < countof(t->more_regs); i++)
        is = is || (a >= t->more_regs[i].lo && a < t->more_regs[i].hi);
    return is;
}

static void is_root(const struct oak__image *img, uintptr_t a, struct oak__step *s)
{
    const struct oak__mapping *map = oak__image_mapping(img, a);
    s->flags = map ? map->flags : 0;
    if (a - (uintptr_t)img->kept < img->nkept * sizeof *img->kept) {
        s->kind = OAK__STEP_KERNEL;
        return;
    }
    s->kind = OAK__STEP_MEMORY;
    for (size_t i = 0; i < img->nthreads; i++) {
        const struct oak__thread *t = &img->threads[i];
        if (is_register(t, a))
            s->kind = OAK__STEP_REGISTERS;
        else if (map && t->sp >= map->lo && t->sp < map->hi)
            s->kind = OAK__STEP_THREAD;
        else
            continue;
        s->id = (uint64_t)t->tid;
        return;
    }
    if (map && map->local && !(map->flags & (OAK__MAP_FILE | OAK__MAP_SHARED)) &&
        is_below_control_block(map, a))
        s->kind = OAK__STEP_TLS;
}

/* Fills in what lies at a. The unit's address; 0: a root. */
static uintptr_t unit_at(const struct oak__mark *m, uintptr_t a, struct oak__step *s)
{
    const struct oak__world *w = m->world;
    struct oak__block b;
    struct oak__span slot;
    size_t region, i;
    if (oak__heap_block(m->heap, a, &b) && a >= b.lo && a < b.hi) {
        s->kind = OAK__STEP_BLOCK;
        s->at = b.lo;
        s->size = b.hi - b.lo;
        s->site = oak__tag_site(&b);
        return b.lo;
    }
    if (oak__stack_slot(m->tables, a, &region, &i, &slot) && w->owners[region].node[i]) {
        s->kind = OAK__STEP_STACK;
        s->id = oak__node_id(w, &w->nodes[w->owners[region].node[i] - 1]);
        return slot.lo;
    }
    size_t ctx = oak__table_index(&m->tables->ctx, a);
    if (ctx) {
        s->kind = OAK__STEP_CONTEXT;
        return s->at = w->ctxs[ctx - 1].at;
    }
    const struct oak__node *n = node_at(w, a);
    if (n) {
        is_goroutine(w, n, s);
        return n->g;
    }
    is_root(m->img, a, s);
    return 0;
}

/* ---- the chain ---- */

/* Of a very long one the ends are kept. */
static void emit(struct chain_walk *c, const struct oak__step *s)
{
    const size_t i = c->n++, from_root = c->all - 1 - i, half = OAK__MOST_STEPS / 2;
    if (!c->out)
        return;
    if (c->all <= OAK__MOST_STEPS || from_root < half)
        c->out->step[from_root] = *s;
    else if (i < half)
        c->out->step[OAK__MOST_STEPS - 1 - i] = *s;
}

static void walk(struct chain_walk *c, const struct oak__node *n)
{
    struct oak__step s = {.how = OAK__HOW_ITSELF};
    uintptr_t unit = n->g, by;
    enum oak__how how;
    is_goroutine(c->m->world, n, &s);
    while (unit && oak__trace_find(c->m->trace, unit, &how, &by) && how != OAK__HOW_ITSELF) {
        emit(c, &s);
        s = (struct oak__step){.how = (uint8_t)how};
        unit = unit_at(c->m, by, &s);
        s.ref = how == OAK__HOW_REFERENCE || how == OAK__HOW_WAITS ? by : 0;
    }
    s.itself = true;
    emit(c, &s);
}

void oak__chain_find(const struct oak__mark *m, uint64_t id, struct oak__chain *out)
{
    const struct oak__world *w = m->world;
    const struct oak__node *n = NULL;
    for (size_t i = 0; i < w->nnodes && !n; i++)
        if (!w->nodes[i].thread && oak__node_id(w, &w->nodes[i]) == id)
            n = &w->nodes[i];
    out->alive = !n ? OAK__ALIVE_UNKNOWN : n->live ? OAK__ALIVE_YES : OAK__ALIVE_NO;
    out->n = 0;
    if (out->alive != OAK__ALIVE_YES)
        return;
    struct chain_walk c = {.m = m};
    walk(&c, n);
    c = (struct chain_walk){.m = m, .out = out, .all = c.n};
    walk(&c, n);
    out->n = c.all < OAK__MOST_STEPS ? (uint32_t)c.all : OAK__MOST_STEPS;
    out->left_out = c.all - out->n;
}
