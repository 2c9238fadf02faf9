/* Who is left after the fixed point, what they retain, and the reasons. */
#include "leak/findings.h"
#include "leak/sort.h"
#include "sched/g.h"

enum { MOST_IN_CYCLE = 1 << 16 };

static bool is_leaked(const struct oak__node *n)
{
    return n->blocked && !n->live;
}

static void collect(struct oak__world *w, struct oak__results *r)
{
    for (uint32_t i = 0; i < w->nnodes; i++) {
        const struct oak__node *n = &w->nodes[i];
        r->goroutines += !n->thread;
        r->blocked += n->blocked;
        if (!is_leaked(n))
            continue;
        if (n->scope)
            w->scopes[n->scope - 1].leaked_child = i + 1;
        if (r->n == r->room) {
            r->dropped++;
            continue;
        }
        r->found[r->n++] = (struct oak__finding){.id = oak__node_id(w, n),
                                                 .g = n->g,
                                                 .wait = oak__node_wait(w, n),
                                                 .node = i,
                                                 .reason = n->reason,
                                                 .in_context = n->ctx != 0};
    }
    oak__sort(r->found, r->n, sizeof r->found[0]);
}

static void add_other(struct oak__finding *f, uint64_t id)
{
    if (f->nothers < OAK__OTHERS)
        f->others[f->nothers] = id;
    f->nothers++;
}

/* ---- locks ---- */

static const struct oak__wait *first_wait(const struct oak__world *w, const struct oak__node *n)
{
    return n->nwaits ? &w->waits[n->first_wait] : NULL;
}

static bool waits_for_others(const struct oak__wait *x)
{
    return x->rule == OAK__RULE_HOLDERS || x->rule == OAK__RULE_BEHIND;
}

/* A lock held for reading has several holders: of these one that is leaked is to be named, the waiting one itself above
 * all. */
static void choose_holders(struct oak__world *w)
{
    for (uint32_t i = 0; i < w->nnodes; i++)
        for (uint32_t h = is_leaked(&w->nodes[i]) ? w->nodes[i].first_hold : 0; h; h = w->holds[h - 1].next) {
            struct oak__wait *x = &w->waits[w->holds[h - 1].wait];
            if (x->holder - 1 != x->node)
                x->holder = i + 1;
        }
}

/* The goroutine whose lock n waits for; NULL: n waits for something else. */
static const struct oak__node *holder_of(const struct oak__world *w, const struct oak__node *n)
{
    const struct oak__wait *x = is_leaked(n) ? first_wait(w, n) : NULL;
    return x && waits_for_others(x) ? &w->nodes[x->holder - 1] : NULL;
}

/* Follows who waits for whom; true when that leads back to n. */
static bool is_in_cycle(const struct oak__world *w, const struct oak__node *n)
{
    const struct oak__node *at = holder_of(w, n);
    for (int i = 0; at && at != n && i < MOST_IN_CYCLE; i++)
        at = holder_of(w, at);
    return at == n;
}

static void explain_lock(const struct oak__world *w, const struct oak__node *n, const struct oak__wait *x,
                         struct oak__finding *f)
{
    if (x->rule == OAK__RULE_NEVER) {
        add_other(f, x->owner);
        f->why = OAK__WHY_HOLDER_ENDED;
        return;
    }
    const struct oak__node *holder = holder_of(w, n);
    add_other(f, oak__node_id(w, holder));
    if (holder == n) {
        f->why = OAK__WHY_SELF_LOCK;
    } else if (!is_leaked(holder)) { /* it lives, but has lost the lock */
        f->why = OAK__WHY_UNREACHED;
        f->nothers = 0;
    } else if (x->rule == OAK__RULE_BEHIND) {
        f->why = OAK__WHY_BEHIND;
    } else if (is_in_cycle(w, n)) {
        f->why = OAK__WHY_LOCK_CYCLE;
        for (const struct oak__node *at = holder_of(w, holder); at && at != n; at = holder_of(w, at))
            add_other(f, oak__node_id(w, at));
    } else {
        f->why = OAK__WHY_HOLDER;
    }
}

/* ---- the rest ---- */

static const struct oak__scope_node *scope_of(const struct oak__world *w, const struct oak__wait *x)
{
    size_t i = oak__sorted_above(w->scopes, w->nscopes, sizeof *w->scopes, x->object);
    return i && w->scopes[i - 1].at == x->object ? &w->scopes[i - 1] : NULL;
}

static void explain(const struct oak__world *w, struct oak__finding *f)
{
    const struct oak__node *n = &w->nodes[f->node];
    const struct oak__wait *x = first_wait(w, n);
    f->nobjects = n->nwaits;
    f->object = x ? x->object : 0;
    if (!x) {
        f->why = OAK__WHY_NOTHING;
    } else if (x->rule == OAK__RULE_NEVER || waits_for_others(x)) {
        explain_lock(w, n, x, f);
    } else if (x->rule == OAK__RULE_CHILDREN) {
        const struct oak__scope_node *s = scope_of(w, x);
        f->why = OAK__WHY_CHILD;
        if (s && s->leaked_child)
            add_other(f, oak__node_id(w, &w->nodes[s->leaked_child - 1]));
    } else {
        f->why = OAK__WHY_UNREACHED;
    }
}

/* The other leaked ones that have a reference to what this one waits for. */
static void name_referrers(const struct oak__mark *m, struct oak__finding *f)
{
    const struct oak__world *w = m->world;
    const struct oak__node *n = &w->nodes[f->node];
    for (uint32_t i = 0; i < n->nwaits; i++) {
        uintptr_t unit = oak__mark_unit_of(m, w->waits[n->first_wait + i].object);
        uint32_t first = unit ? oak__mark_unit_wait(m, unit) : 0;
        if (!first)
            continue;
        const struct oak__referrers *r = &m->referrers[first - 1];
        f->in_heap = f->in_heap || r->in_heap;
        for (uint32_t k = 0; k < r->n && k < OAK__REFERRERS; k++)
            if (r->node[k] != f->node + 1)
                add_other(f, oak__node_id(w, &w->nodes[r->node[k] - 1]));
        if (r->n > OAK__REFERRERS)
            f->nothers += r->n - OAK__REFERRERS;
    }
}

/* What goroutines that start at one place and wait alike have in common. */
static uint64_t key_of(const struct oak__world *w, const struct oak__node *n)
{
    const uint64_t fn = image_word(w->img, n->g + offsetof(struct oak__g, fn)),
                   creator = image_word(w->img, n->g + offsetof(struct oak__g, created_at));
    return hash_mix(hash_mix(fn, creator), n->reason);
}

int oak__findings(struct oak__mark *m, struct oak__results *r)
{
    struct oak__dominators dominators;
    int err = oak__dominators_init(&dominators, m->heap, m->scratch);
    if (err)
        return err;
    m->dominators = &dominators;
    collect(m->world, r);
    choose_holders(m->world);
    for (size_t i = 0; i < r->n; i++) {
        explain(m->world, &r->found[i]);
        r->found[i].retained = oak__mark_retained(m, r->found[i].node);
        if (r->found[i].retained)
            oak__dominators_enter(m, r->found[i].id, key_of(m->world, &m->world->nodes[r->found[i].node]),
                                  r->tops);
    }
    for (size_t i = 0; i < r->n; i++)
        if (r->found[i].why == OAK__WHY_UNREACHED)
            name_referrers(m, &r->found[i]);
    return 0;
}
