/*
 * Select.
 *
 * First pass: the cases in random order, each under its own channel's lock; the first that is ready happens.
 * If none is and there is no default: the wait is opened (ARMED), then each channel is visited again, in
 * order: if it has become ready meanwhile the select closes its own wait (if nobody has claimed it already)
 * and starts over, else a waiter is queued there. Then it parks. Whoever claims the wait makes exactly one
 * case happen and says which in wake_status. On the way out every waiter that is still queued is removed,
 * each under its channel's lock, before the waiters' memory (this stack) goes.
 *
 * No two channel locks are ever held together: the claim, not a set of locks, makes the choice atomic
 * (models/select.pml).
 */
#include "base/os.h"
#include "sched/door.h"
#include "sched/park.h"
#include "sched/sched.h"
#include "sync/chan.h"

#include <oakum/select.h>

#include <stdlib.h>

enum { INLINE_CASES = 8, MAX_CASES = 65535 };

struct sel {
    struct oak_case *cases;
    uint32_t n;
    int dflt, timeout; /* index of that case, or -1 */
    int64_t deadline;
    struct oak__waiter *waiters;
    uint16_t *order;
};

/* Finds the special cases; 0 or -EINVAL. */
static int check_cases(struct sel *s)
{
    s->dflt = s->timeout = -1;
    s->deadline = OAK_FOREVER;
    for (uint32_t i = 0; i < s->n; i++) {
        struct oak_case *c = &s->cases[i];
        int *special = c->kind == OAK__CASE_DEFAULT   ? &s->dflt
                       : c->kind == OAK__CASE_TIMEOUT ? &s->timeout
                                                      : NULL;
        if (special) {
            if (*special >= 0)
                return -EINVAL;
            *special = (int)i;
        } else if (c->kind != OAK__CASE_SEND && c->kind != OAK__CASE_RECV) {
            return -EINVAL;
        } else if ((c->ch && !oak__chan_ok(c->ch)) || (c->kind == OAK__CASE_SEND && !c->elem)) {
            return -EINVAL;
        }
    }
    if (s->timeout >= 0)
        s->deadline = oak__deadline_of(s->cases[s->timeout].limit);
    return 0;
}

static inline bool is_channel_case(const struct oak_case *c)
{
    return c->ch && (c->kind == OAK__CASE_SEND || c->kind == OAK__CASE_RECV);
}

/* Inside-out Fisher-Yates: every order is equally likely. */
static void shuffle(struct oak__m *m, struct sel *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t j = i ? oak__choose(m, OAK__CHOICE_SELECT, i + 1) : 0;
        if (j != i)
            s->order[i] = s->order[j];
        s->order[j] = (uint16_t)i;
    }
}

/* Tries case i: its index when it happened, -EPIPE for a send on a closed channel, -EAGAIN. */
static int try_case(struct sel *s, uint32_t i)
{
    struct oak_case *c = &s->cases[i];
    struct oak__g *wake;
    int status = 0, err;
    lock(&c->ch->lock);
    if (c->kind == OAK__CASE_SEND)
        err = oak__chan_send_locked(c->ch, c->elem, &wake, &status);
    else
        err = oak__chan_recv_locked(c->ch, c->elem, &wake, &status);
    unlock(&c->ch->lock);
    if (wake)
        oak__wait_wake(wake, status);
    if (c->kind == OAK__CASE_RECV && err != -EAGAIN) {
        if (c->ok)
            *c->ok = err == 0;
        return (int)i;
    }
    return err ? err : (int)i;
}

static int first_pass(struct sel *s)
{
    shuffle(oak__m_self(), s);
    for (uint32_t k = 0; k < s->n; k++) {
        uint32_t i = s->order[k];
        if (!is_channel_case(&s->cases[i]))
            continue;
        int r = try_case(s, i);
        if (r != -EAGAIN)
            return r;
    }
    return -EAGAIN;
}

/* Ready, as far as one look tells? Under the channel's lock. */
static bool looks_ready(const struct oak__chan *c, enum oak__case_kind kind)
{
    if (load_relaxed(&c->closed))
        return true;
    if (kind == OAK__CASE_SEND)
        return !list_empty(&c->receivers) || load_relaxed(&c->count) < c->cap;
    return !list_empty(&c->senders) || load_relaxed(&c->count) > 0;
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

/* Queues a waiter at every channel. False: one has become ready meanwhile. */
static bool queue_all(struct sel *s, struct oak__g *g, uint64_t ticket)
{
    for (uint32_t i = 0; i < s->n; i++) {
        struct oak_case *c = &s->cases[i];
        if (!is_channel_case(c))
            continue;
        struct oak__waiter *w = &s->waiters[i];
        w->g = g;
        w->ticket = ticket;
        w->object = c->ch;
        w->elem = c->elem;
        w->data = i;
        lock(&c->ch->lock);
        bool ready = looks_ready(c->ch, c->kind) && !other_side_is_only_us(c->ch, c->kind, g);
        if (!ready)
            list_push_back(c->kind == OAK__CASE_SEND ? &c->ch->senders : &c->ch->receivers, &w->link);
        unlock(&c->ch->lock);
        if (ready)
            return false;
    }
    return true;
}

static void unqueue_all(struct sel *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        struct oak_case *c = &s->cases[i];
        if (!is_channel_case(c))
            continue;
        lock(&c->ch->lock);
        if (list_linked(&s->waiters[i].link))
            list_remove(&s->waiters[i].link);
        unlock(&c->ch->lock);
    }
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

/* One attempt to wait: the result, or -EAGAIN to start over. */
static int wait_once(struct sel *s, struct oak__g *g)
{
    memset(s->waiters, 0, s->n * sizeof *s->waiters);
    store_release(&g->waiters, s->waiters);
    g->nwaiters = s->n;
    struct oak__waiter *w =
        oak__wait_begin(g, s->n ? OAK_WAIT_SELECT : OAK_WAIT_SELECT_EMPTY, NULL, s->deadline);
    bool queued = queue_all(s, g, w->ticket);
    int r = !queued && oak__wait_abandon(g) ? -EAGAIN : oak__wait_park(g);
    unqueue_all(s);
    g->nwaiters = 0;
    store_relaxed(&g->waiters, NULL);
    return r == -EAGAIN ? r : outcome(s, g, r);
}

static int run_select(struct sel *s)
{
    struct oak__g *g = oak__enter();
    int r = s->dflt >= 0 ? 0 : oak__ctx_check(g);
    if (!r) {
        do {
            r = first_pass(s);
            if (r == -EAGAIN)
                r = s->dflt >= 0 ? s->dflt : wait_once(s, g);
        } while (r == -EAGAIN);
    }
    oak__exit();
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
    if (n <= INLINE_CASES) {
        struct oak__waiter waiters[INLINE_CASES];
        uint16_t order[INLINE_CASES];
        s.waiters = waiters;
        s.order = order;
        return run_select(&s);
    }
    s.waiters = oak__malloc(n * (sizeof *s.waiters + sizeof *s.order));
    if (!s.waiters)
        return -ENOMEM;
    s.order = (uint16_t *)(s.waiters + n);
    int r = run_select(&s);
    oak__free(s.waiters);
    return r;
}
