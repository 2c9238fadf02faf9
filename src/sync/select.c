/*
 * Select.
 *
 * A look at each channel without its lock tells which cases seem ready; one of these, drawn at random, is tried. If none
 * is and there is no default: the wait is opened (ARMED) and each channel is visited, in order: if it has become ready
 * meanwhile the select closes its own wait (unless somebody has claimed it already) and that case happens, else a waiter
 * is queued there. Then it parks. Whoever claims the wait makes exactly one case happen and says which in wake_status. On
 * the way out every waiter that is still queued is removed before the waiters' memory (this stack) goes.
 *
 * No two channel locks are ever held together: the claim, not a set of locks, makes the choice atomic
 * (models/select.pml). When one P owns all the channels (chan_lock.h) the look, the move or the queueing, and the park happen
 * in one section (select_inside), and who ends the wait later needs no compare-and-swap either, as long as none of the channels
 * changes hands: see oak__chan_disown.
 */
#include "base/os.h"
#include "sched/door.h"
#include "sync/chan_move.h"

#include <oakum/select.h>

/* Waiters of so many cases lie on the stack; and so many channels are visited in one section. */
enum { MOST_ON_STACK = 16, MAX_CASES = 65535 };

struct sel {
    struct oak_case *cases;
    uint32_t n;
    uint32_t channels; /* a bit for each case with a channel, if there are no more than MOST_ON_STACK */
    int dflt, timeout; /* index of that case, or -1 */
    int64_t deadline;
    struct oak__waiter *waiters;
};

static inline bool is_channel_case(const struct oak_case *c)
{
    return c->ch && (c->kind == OAK__CASE_SEND || c->kind == OAK__CASE_RECV);
}

/* Finds the special cases and those with a channel; 0 or -EINVAL. */
static int check_cases(struct sel *s)
{
    s->dflt = s->timeout = -1;
    s->deadline = OAK_FOREVER;
    s->channels = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        struct oak_case *c = &s->cases[i];
        if (likely(is_channel_case(c)) && likely(oak__chan_ok(c->ch)) &&
            likely(c->kind == OAK__CASE_RECV || c->elem)) {
            s->channels |= 1u << i % MOST_ON_STACK;
            continue;
        }
        int *special = c->kind == OAK__CASE_DEFAULT   ? &s->dflt
                       : c->kind == OAK__CASE_TIMEOUT ? &s->timeout
                                                      : NULL;
        if (special) {
            if (*special >= 0)
                return -EINVAL;
            *special = (int)i;
        } else if (c->kind != OAK__CASE_SEND && c->kind != OAK__CASE_RECV) {
            return -EINVAL;
        } else if (c->ch || (c->kind == OAK__CASE_SEND && !c->elem)) {
            return -EINVAL;
        }
    }
    if (s->timeout >= 0)
        s->deadline = oak__deadline_of(s->cases[s->timeout].limit);
    return 0;
}

/* Ready, as far as one look tells? The other side's queue may hold nothing but waiters of our own. */
static inline bool looks_ready(const struct oak__chan *c, enum oak__case_kind kind)
{
    size_t count = load_relaxed(&c->count);
    const struct oak__link *others = kind == OAK__CASE_SEND ? &c->receivers : &c->senders;
    const struct oak__link *first = __atomic_load_n(&others->next, __ATOMIC_RELAXED);
    return (kind == OAK__CASE_SEND ? count < c->cap : count > 0) || (first && first != others) ||
           load_relaxed(&c->closed);
}

/* Without having the channel to oneself: what happened before the caller came here is seen, no more is promised. */
static bool looks_ready_from_outside(struct oak__chan *c, enum oak__case_kind kind)
{
#if OAK_TSAN
    chan_lock(c, load_relaxed(&oak__m_self()->p));
    bool ready = looks_ready(c, kind);
    chan_unlock(c);
    return ready;
#else
    return looks_ready(c, kind);
#endif
}

/* One of the cases that look ready, each with the same probability; -1: there is none. */
static int draw_ready(const struct sel *s)
{
    uint32_t ready = 0;
    int drawn = -1;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct oak_case *c = &s->cases[i];
        if (!is_channel_case(c) || !looks_ready_from_outside(c->ch, c->kind))
            continue;
        if (++ready == 1 || oak__choose(oak__m_self(), OAK__CHOICE_SELECT, ready) == 0)
            drawn = (int)i;
    }
    return drawn;
}

/* What the outcome of a move means for the select: the case's index, -EPIPE for a send on a closed channel, -EAGAIN. */
static int case_result(struct sel *s, uint32_t i, int err)
{
    struct oak_case *c = &s->cases[i];
    if (c->kind == OAK__CASE_RECV && err != -EAGAIN) {
        if (c->ok)
            *c->ok = err == 0;
        return (int)i;
    }
    return err ? err : (int)i;
}

static int try_case(struct sel *s, struct oak__p *p, uint32_t i)
{
    struct oak_case *c = &s->cases[i];
    const bool sending = c->kind == OAK__CASE_SEND;
    struct oak__g *wake;
    int status = 0, err;
    if (chan_enter(c->ch, p)) {
        err = chan_move(c->ch, sending, c->elem, CHAN_INSIDE, &wake, &status);
        oak__inside_end(p);
    } else {
        chan_lock(c->ch, p);
        err = chan_move(c->ch, sending, c->elem, CHAN_LOCKED, &wake, &status);
        chan_unlock(c->ch);
    }
    if (wake)
        oak__wait_wake_inline(wake, status);
    return case_result(s, i, err);
}

/* Our own waiters in the same queue do not make a channel ready. */
static bool other_side_is_only_us(const struct oak__chan *c, enum oak__case_kind kind, const struct oak__g *g)
{
    const struct oak__link *q = kind == OAK__CASE_SEND ? &c->receivers : &c->senders;
    if (load_relaxed(&c->closed) ||
        (kind == OAK__CASE_SEND ? load_relaxed(&c->count) < c->cap : load_relaxed(&c->count) > 0))
        return false;
    for (const struct oak__link *l = q->next; l != q; l = l->next)
        if (container_of(l, struct oak__waiter, link)->g != g)
            return false;
    return true;
}

/* By who has the channel to himself. */
static inline bool is_ready(const struct oak_case *c, const struct oak__g *g)
{
    return looks_ready(c->ch, c->kind) && !other_side_is_only_us(c->ch, c->kind, g);
}

static inline void queue(struct oak_case *c, struct oak__waiter *w)
{
    list_push_back(c->kind == OAK__CASE_SEND ? &c->ch->senders : &c->ch->receivers, &w->link);
}

static inline void unqueue(struct oak__waiter *w)
{
    if (list_linked(&w->link))
        list_remove(&w->link);
}

/* Queues a waiter at every channel, one after the other. The case that has become ready meanwhile, or -1. */
static int queue_one_by_one(struct sel *s, struct oak__p *p, struct oak__g *g)
{
    for (uint32_t i = 0; i < s->n; i++) {
        struct oak_case *c = &s->cases[i];
        if (!is_channel_case(c))
            continue;
        chan_lock(c->ch, p);
        bool ready = is_ready(c, g);
        if (!ready)
            queue(c, &s->waiters[i]);
        chan_unlock(c->ch);
        if (ready)
            return (int)i;
    }
    return -1;
}

static void unqueue_one_by_one(struct sel *s)
{
    struct oak__p *p = load_relaxed(&oak__m_self()->p);
    for (uint32_t i = 0; i < s->n; i++) {
        struct oak_case *c = &s->cases[i];
        if (!is_channel_case(c))
            continue;
        chan_lock(c->ch, p);
        unqueue(&s->waiters[i]);
        chan_unlock(c->ch);
    }
}

/* Loops over the channel cases: i is the case's number. Of a select with at most MOST_ON_STACK cases. */
#define each_channel(s, i)                                                                                   \
    for (uint32_t mask_ = (s)->channels, i; mask_ && (i = (uint32_t)__builtin_ctz(mask_), true);             \
         mask_ &= mask_ - 1)

/* Begins a section in which p has all the channels to itself. False: it has not, and there is none. */
static inline bool enter_all(const struct sel *s, struct oak__p *p)
{
    if (!p || !oak__inside_works() || unlikely(s->n > MOST_ON_STACK))
        return false;
    oak__inside_begin(p);
    each_channel (s, i) {
        if (load_relaxed(&s->cases[i].ch->owner) != p) {
            oak__inside_end(p);
            return false;
        }
    }
    return true;
}

static void unqueue_all(struct sel *s)
{
    struct oak__p *p = load_relaxed(&oak__m_self()->p);
    if (!enter_all(s, p)) {
        unqueue_one_by_one(s);
        return;
    }
    each_channel (s, i)
        unqueue(&s->waiters[i]);
    oak__inside_end(p);
}

/* A place for each case, not queued. sole: see oak__wait_claim_inside. */
static void set_up_waiters(struct sel *s, struct oak__g *g, uint64_t ticket, bool sole)
{
    for (uint32_t i = 0; i < s->n; i++) {
        const struct oak_case *c = &s->cases[i];
        s->waiters[i] = (struct oak__waiter){.g = g,
                                             .object = is_channel_case(c) ? c->ch : NULL,
                                             .ticket = ticket,
                                             .elem = c->elem,
                                             .data = i,
                                             .sole = sole};
    }
    store_release(&g->waiters, s->waiters);
    g->nwaiters = s->n;
}

/* What the claimer's word means for the caller. */
static int outcome(struct sel *s, struct oak__g *g, int status)
{
    if (status >= 0) {
        struct oak_case *c = &s->cases[status];
        if (c->kind == OAK__CASE_RECV && c->ok)
            *c->ok = !(s->waiters[status].data & OAK__WAITER_CLOSED);
        return status;
    }
    bool own = s->timeout >= 0 && status == -ETIMEDOUT;
    if (own && (!load_relaxed(&g->ctx) || oak__os_now() >= s->deadline))
        return s->timeout;
    return status;
}

/* The wait begins, with a place for each case, not queued. */
static inline void open_places(struct sel *s, struct oak__g *g, bool sole)
{
    const enum oak_wait_reason reason = s->n ? OAK_WAIT_SELECT : OAK_WAIT_SELECT_EMPTY;
    struct oak__waiter *w = oak__wait_begin_inline(g, reason, NULL, s->deadline);
    set_up_waiters(s, g, w->ticket, sole);
}

/* The wait is over. r: what it said, or -EAGAIN to start over. */
static inline int close_places(struct sel *s, struct oak__g *g, int r)
{
    unqueue_all(s);
    g->nwaiters = 0;
    store_relaxed(&g->waiters, NULL);
    return r == -EAGAIN ? r : outcome(s, g, r);
}

/* One attempt to wait: the result, or -EAGAIN to start over. */
static int wait_once(struct sel *s, struct oak__p *p, struct oak__g *g)
{
    open_places(s, g, false);
    int ready = queue_one_by_one(s, p, g);
    return close_places(s, g, ready >= 0 && oak__wait_abandon(g) ? -EAGAIN : oak__wait_park(g));
}

/* In a section, all channels ours: no case is ready, nor will be before the section ends. */
static int wait_inside(struct sel *s, struct oak__m *m, struct oak__p *p, struct oak__g *g)
{
    const bool sole = s->deadline == OAK_FOREVER && !load_relaxed(&g->ctx);
    open_places(s, g, sole);
    each_channel (s, i)
        queue(&s->cases[i], &s->waiters[i]);
    if (likely(sole) && likely(oak__wait_park_inside(m, p, g)))
        return close_places(s, g, g->wake_status);
    oak__inside_end(p);
    return close_places(s, g, oak__wait_park(g));
}

/* The same choice as draw_ready makes, and it is certain: in a section, all channels ours. */
static inline int draw_inside(const struct sel *s, struct oak__m *m, const struct oak__g *g)
{
    uint32_t ready = 0;
    int drawn = -1;
    each_channel (s, i) {
        if (is_ready(&s->cases[i], g) && (++ready == 1 || oak__choose(m, OAK__CHOICE_SELECT, ready) == 0))
            drawn = (int)i;
    }
    return drawn;
}

/* Look, move or wait, all in the section that has begun, which ends here. */
static int select_inside(struct sel *s, struct oak__m *m, struct oak__p *p, struct oak__g *g)
{
    int i = draw_inside(s, m, g);
    if (i < 0 && s->dflt < 0)
        return wait_inside(s, m, p, g);
    struct oak__g *wake = NULL;
    int status = 0, err = 0;
    if (i >= 0) {
        const struct oak_case *c = &s->cases[i];
        err = chan_move(c->ch, c->kind == OAK__CASE_SEND, c->elem, CHAN_INSIDE, &wake, &status);
    }
    oak__inside_end(p);
    if (wake && likely(oak__wait_finish_inline(wake, status)))
        oak__ready_here(p, wake);
    return i < 0 ? s->dflt : case_result(s, (uint32_t)i, err);
}

static int select_once(struct sel *s, struct oak__g *g)
{
    struct oak__m *m = oak__m_self();
    struct oak__p *p = load_relaxed(&m->p);
    if (enter_all(s, p))
        return select_inside(s, m, p, g);
    int i = draw_ready(s);
    if (i >= 0)
        return try_case(s, p, (uint32_t)i);
    return s->dflt >= 0 ? s->dflt : wait_once(s, p, g);
}

static int run_select(struct sel *s)
{
    struct oak__g *g = oak__enter_inline();
    if (unlikely(!g))
        return -ENOMEM;
    int r = s->dflt >= 0 ? 0 : oak__ctx_check(g);
    if (!r) {
        do
            r = select_once(s, g);
        while (r == -EAGAIN);
    }
    oak__exit_inline();
    return r;
}

int oak_select_n(struct oak_case *cases, size_t n)
{
    if ((n && !cases) || n > MAX_CASES)
        return -EINVAL;
    struct sel s = {.cases = cases, .n = (uint32_t)n};
    int err = check_cases(&s);
    if (err)
        return err;
    if (n <= MOST_ON_STACK) {
        /* Exactly as many as there are cases: what would lie in unused ones could look like a reference. */
        s.waiters = __builtin_alloca(n * sizeof *s.waiters);
        return run_select(&s);
    }
    s.waiters = oak__malloc(n * sizeof *s.waiters);
    if (!s.waiters)
        return -ENOMEM;
    int r = run_select(&s);
    oak__free(s.waiters);
    return r;
}
