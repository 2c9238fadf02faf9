/* The wait protocol; the state diagram and the usage pattern are in park.h. */
#include "sched/event.h"
#include "sched/inline.h"

#include <sched.h>

enum { SPINS = 200 };

int64_t oak__deadline_of(int64_t limit)
{
    if (limit == OAK_FOREVER)
        return OAK_FOREVER;
    int64_t now = oak__os_now();
    if (limit <= 0)
        return now;
    return limit > OAK_FOREVER - 1 - now ? OAK_FOREVER - 1 : now + limit;
}

bool oak__wait_claim_slow(struct oak__g *g, uint64_t ticket)
{
    uint64_t w = load_acquire(&g->wait);
    unsigned spins = 0;
    for (;;) {
        if (OAK__W_TICKET(w) != ticket)
            return false;
        enum oak__wait_phase phase = OAK__W_PHASE(w);
        uint64_t claimed;
        if (phase == OAK__W_ARMED)
            claimed = OAK__W_CLAIMED_EARLY;
        else if (phase == OAK__W_PARKED)
            claimed = OAK__W_CLAIMED;
        else if (phase != OAK__W_HELD)
            return false;
        else { /* somebody looks at its stack: a moment, unless the kernel has put his thread aside */
            if (++spins % SPINS)
                cpu_relax();
            else
                sched_yield();
            w = load_acquire(&g->wait);
            continue;
        }
        if (cas_seq(&g->wait, &w, TICKET_BITS(w) | claimed))
            return true;
    }
}

bool oak__wait_claim(struct oak__g *g, uint64_t ticket)
{
    return oak__wait_claim_inline(g, ticket);
}

bool oak__wait_claim_any(struct oak__g *g)
{
    return oak__wait_claim(g, OAK__W_TICKET(load_acquire(&g->wait)));
}

bool oak__wait_finish(struct oak__g *g, int status)
{
    return oak__wait_finish_inline(g, status);
}

void oak__wait_wake(struct oak__g *g, int status)
{
    oak__wait_wake_inline(g, status);
}

const size_t oak__timer_in_g = offsetof(struct oak__g, timer);

static void time_is_up(struct oak__timer *t, uint64_t ticket)
{
    struct oak__g *g = container_of(t, struct oak__g, timer);
    if (!oak__wait_claim(g, ticket))
        return;
    fetch_to_run(g);
    oak__wait_wake(g, -ETIMEDOUT);
}

void oak__wait_limit(struct oak__g *g, int64_t deadline)
{
    if (g->kind == OAK__G_THREAD)
        g->timer.when = deadline; /* its futex wait takes it */
    else
        oak__timer_start(&g->timer, deadline, time_is_up, OAK__W_TICKET(load_relaxed(&g->wait)));
}

struct oak__waiter *oak__wait_begin(struct oak__g *g, enum oak_wait_reason reason, const void *obj,
                                    int64_t deadline)
{
    return oak__wait_begin_inline(g, reason, obj, deadline);
}

/* Closes the wait; the timer, if it was armed and has not fired, is taken back. */
static inline void close_wait(struct oak__g *g)
{
    if (g->kind == OAK__G_THREAD)
        g->timer.when = 0;
    else if (load_acquire(&g->timer.wheel)) /* NULL: who has fired it is done with it */
        oak__timer_cancel(&g->timer);
    store_relaxed(&g->wait, TICKET_BITS(load_relaxed(&g->wait)) | OAK__W_NONE);
    store_relaxed(&g->reason, OAK_WAIT_NONE);
    store_relaxed(&g->wait_object, NULL);
}

bool oak__wait_abandon(struct oak__g *g)
{
    uint64_t w = load_acquire(&g->wait);
    if (OAK__W_PHASE(w) != OAK__W_ARMED || !cas_seq(&g->wait, &w, TICKET_BITS(w) | OAK__W_NONE))
        return false;
    close_wait(g);
    return true;
}

/* A plain thread waits on the low half of the wait word until it is DONE. */
static void thread_park(struct oak__g *g)
{
    int64_t deadline = g->timer.when ? g->timer.when : OAK_FOREVER;
    uint64_t w = load_acquire(&g->wait);
    while (OAK__W_PHASE(w) != OAK__W_DONE) {
        int err = oak__os_futex_wait((_Atomic uint32_t *)&g->wait, (uint32_t)w, deadline);
        if (err == -ETIMEDOUT) {
            deadline = OAK_FOREVER;
            if (oak__wait_claim(g, OAK__W_TICKET(w))) {
                g->wake_status = -ETIMEDOUT;
                return;
            }
        }
        w = load_acquire(&g->wait);
    }
    sanitize_runs(g);
}

/*
 * The context's half of the race: the wait was published (ARMED) before this look at the context; a canceller
 * marks the context first and claims its members' waits afterwards. With a full fence between store and load
 * on both sides, one of the two sees the other.
 */
static int cancelled_already(struct oak__g *g)
{
    if (likely(!load_relaxed(&g->ctx)))
        return 0;
    fence_seq();
    int err = oak__ctx_check(g);
    return err && oak__wait_abandon(g) ? err : 0;
}

int oak__wait_park(struct oak__g *g)
{
    int err = cancelled_already(g);
    if (err)
        return err;
    store_relaxed(&g->status, OAK__G_WAITING);
    oak__event(OAK__EV_BLOCK, g);
    if (likely(g->kind == OAK__G_GOROUTINE)) {
        oak__leave_parking(oak__m_self(), g);
    } else {
        thread_park(g);
        store_relaxed(&g->status, OAK__G_RUNNING);
    }
    close_wait(g);
    return g->wake_status;
}

bool oak__wait_hold(struct oak__g *g)
{
    oak__check(load_relaxed(&oak__lookers) != 0, "a wait is held by one who has not said that he looks");
    uint64_t w = load_acquire(&g->wait);
    return g->kind == OAK__G_GOROUTINE && OAK__W_PHASE(w) == OAK__W_PARKED &&
           cas_seq(&g->wait, &w, TICKET_BITS(w) | OAK__W_HELD);
}

void oak__wait_release(struct oak__g *g)
{
    store_release(&g->wait, TICKET_BITS(load_relaxed(&g->wait)) | OAK__W_PARKED);
}
