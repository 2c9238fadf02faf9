/* Timers of this thread, sleeping, giving way. */
#include "poll/poll.h"
#include "sched/event.h"
#include "sched/inline.h"
#include "sched/runq.h"
#include "sched/sanitize.h"

#include <sched.h>

/* A goroutine that yields with nobody else to run looks at timers and the poller each so many times. */
enum { LONE_YIELDS = 32 };

int64_t oak__coarse_now(void)
{
    return oak__sched ? load_relaxed(&oak__sched->coarse_now) : oak__os_now();
}

void oak__timer_start(struct oak__timer *t, int64_t when, oak__timer_fn fn, uint64_t arg)
{
    struct oak__p *p = oak__p_here();
    if (likely(p != NULL)) {
        /* A P looks at its own wheel before its worker sleeps, so nobody has to be told. */
        oak__timer_arm(&p->wheel, t, when, fn, arg);
        return;
    }
    if (!oak__timer_arm(&oak__sched->thread_wheel, t, when, fn, arg))
        return;
    fence_seq(); /* against the poller, who says how long it will sleep and then looks at the wheels again */
    int64_t polling = load_relaxed(&oak__sched->polling);
    if (polling && when < polling - 1)
        oak__poll_break();
    oak__monitor_wake();
}

bool oak__timer_stop(struct oak__timer *t)
{
    return oak__timer_cancel(t);
}

static void look_around(struct oak__p *p)
{
    bool broken;
    int64_t now = oak__os_now();
    if (load_relaxed(&p->wheel.next_due) <= now)
        oak__timers_run_some(&p->wheel, now, OAK__RING); /* the ring is empty */
    if (oak__poll_any() && !load_relaxed(&oak__sched->polling))
        oak__inject(p, oak__poll_wait(0, &broken));
}

void oak_yield(void)
{
    struct oak__m *m = oak__m_self();
    if (unlikely(!m)) {
        sched_yield();
        return;
    }
    struct oak__g *g = oak__enter_inline();
    if (g->kind == OAK__G_THREAD) {
        oak__exit_inline();
        sched_yield();
        return;
    }
    m = oak__m_self();
    struct oak__p *p = load_relaxed(&m->p);
    if (oak__runq_empty(p) && load_relaxed(&oak__sched->global_count) == 0) {
        uint32_t n = load_relaxed(&p->lone_yields) + 1;
        store_relaxed(&p->lone_yields, n);
        if (n % LONE_YIELDS == 0)
            look_around(p);
    }
    if (!oak__runq_empty(p) || load_relaxed(&oak__sched->global_count)) {
        oak__event(OAK__EV_YIELD, g);
        sanitize_made_runnable(g);
        oak__leave_yielding(m, g);
    }
    oak__exit_inline();
}

int oak_sleep(int64_t ns)
{
    struct oak__g *g = oak__enter();
    if (unlikely(!g))
        return -ENOMEM;
    int err = oak__ctx_check(g);
    if (!err && ns > 0) {
        int64_t deadline = oak__deadline_of(ns);
        oak__wait_begin(g, OAK_WAIT_SLEEP, NULL, deadline);
        err = oak__wait_park(g);
        /* The sleep's own timer and a context's deadline say the same; the clock tells them apart. */
        if (err == -ETIMEDOUT && (!load_relaxed(&g->ctx) || oak__os_now() >= deadline))
            err = 0;
    }
    oak__exit();
    if (!err && ns <= 0)
        oak_yield();
    return err;
}
