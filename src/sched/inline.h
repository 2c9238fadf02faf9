/*
 * The hot halves of entering (sched.h, handover.c) and waiting (park.h), to be compiled into channels and the like. What
 * they mean is said there; the functions of the same names without `_inline` are these.
 *
 * Internal: src/sched and the hot paths of src/sync may include it.
 */
#ifndef OAK_SCHED_INLINE_H
#define OAK_SCHED_INLINE_H

#include "sched/event.h"
#include "sched/inside.h"
#include "sched/park.h"
#include "sched/sanitize.h"

#define TICKET_BITS(word) ((word) & ~(uint64_t)7)

/* oak__enter and oak__exit for the hot paths; the latter only by who has an M. */
static inline struct oak__g *oak__enter_inline(void)
{
    struct oak__m *m = oak__m_self();
    if (likely(m != NULL)) {
        store_relaxed(&m->entered, 1);
        oak__light_fence();
        if (likely(load_acquire(&m->own) == OAK__OWN_P)) {
            struct oak__g *g = load_relaxed(&m->g);
            assume(g); /* so that looking whether there is one costs nothing here */
            return g;
        }
    }
    return oak__enter_slow();
}

static inline void oak__exit_inline(void)
{
    store_release(&oak__m_self()->entered, 0);
}

/* park.c: the same for a wait in any phase. */
bool oak__wait_claim_slow(struct oak__g *g, uint64_t ticket);

static inline bool oak__wait_claim_inline(struct oak__g *g, uint64_t ticket)
{
    uint64_t w = ticket << 3 | OAK__W_PARKED;
    if (likely(load_relaxed(&g->wait) == w) && likely(cas_seq(&g->wait, &w, ticket << 3 | OAK__W_CLAIMED)))
        return true;
    return oak__wait_claim_slow(g, ticket);
}

/*
 * In a section (inside.h) of the P that has w's object to itself: w's wait, if nothing but that object can end it
 * (w->sole) and nobody is looking, is claimed by a plain store. False: claim it like any other. Acquire, as in a
 * compare-and-swap: another P may have parked it (it waited before this P became the owner), and a looker may have put its
 * stack away.
 */
static inline bool oak__wait_claim_inside(const struct oak__waiter *w)
{
    struct oak__g *g = w->g;
    if (unlikely(!load_relaxed(&w->sole)) || unlikely(load_acquire(&oak__lookers) != 0) ||
        unlikely(load_acquire(&g->wait) != (w->ticket << 3 | OAK__W_PARKED)))
        return false;
    store_relaxed(&g->wait, w->ticket << 3 | OAK__W_CLAIMED);
    return true;
}

static inline bool oak__wait_finish_inline(struct oak__g *g, int status)
{
    g->wake_status = status;
    uint64_t w = load_acquire(&g->wait);
    if (likely(OAK__W_PHASE(w) == OAK__W_CLAIMED))
        return true;
    bool thread = g->kind == OAK__G_THREAD; /* looked up now: once it is DONE it may have gone */
    sanitize_made_runnable(g);
    if (!cas_seq(&g->wait, &w, TICKET_BITS(w) | OAK__W_DONE))
        return true;
    if (thread)
        oak__os_futex_wake((_Atomic uint32_t *)&g->wait, 1);
    return false;
}

/*
 * g has not run for a while and will soon: the lines of its stack that this touches are on their way while others run, and the
 * page's place in the processor's tables. (What of the descriptor is needed, whoever woke it has fetched.)
 */
static inline void fetch_to_run(const struct oak__g *g)
{
    enum { LINES = 8 };
    const char *sp = g->sp;
    for (int line = 0; sp && line < LINES; line++)
        __builtin_prefetch(sp + line * 64, 1);
}

/* g is about to be put into a queue: from there others may take it. */
static inline void oak__becomes_runnable(struct oak__g *g)
{
    store_relaxed(&g->status, OAK__G_RUNNABLE);
    oak__event(OAK__EV_UNBLOCK, g);
    sanitize_made_runnable(g);
}

/* oak__ready for a caller who knows his P. */
static inline void oak__ready_here(struct oak__p *p, struct oak__g *g)
{
    if (unlikely(load_relaxed(&p->next) != NULL)) {
        oak__ready(g);
        return;
    }
    oak__becomes_runnable(g);
    store_relaxed(&p->next, g);
}

static inline void oak__wait_wake_inline(struct oak__g *g, int status)
{
    if (oak__wait_finish_inline(g, status))
        oak__ready(g);
}

/*
 * oak__wait_park in a section, for a wait that only an object of this section's P can end. True: the goroutine has
 * parked, the section has ended with that, and it was woken: g->wake_status. False: nothing has happened.
 */
bool oak__wait_park_inside(struct oak__m *m, struct oak__p *p, struct oak__g *g);

/* park.c: arms the time limit of the wait that was just opened. */
void oak__wait_limit(struct oak__g *g, int64_t deadline);

static inline struct oak__waiter *oak__wait_begin_inline(struct oak__g *g, enum oak_wait_reason reason,
                                                         const void *obj, int64_t deadline)
{
    uint64_t ticket = OAK__W_TICKET(load_relaxed(&g->wait)) + 1;
    g->waiter.g = g;
    g->waiter.ticket = ticket;
    g->waiter.object = obj;
    store_relaxed(&g->reason, (uint8_t)reason);
    store_relaxed(&g->wait_object, obj);
    struct oak__sched *s = oak__sched;
    store_relaxed(&g->wait_since, s ? load_relaxed(&s->coarse_now) : 0);
    store_release(&g->wait, ticket << 3 | OAK__W_ARMED);
    if (deadline != OAK_FOREVER)
        oak__wait_limit(g, deadline);
    return &g->waiter;
}

#endif
