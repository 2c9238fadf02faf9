/*
 * The P hand-over: how a thread enters the runtime without a fence, and how the monitor takes the P of one
 * that stays away.
 *
 * Two words of an M: `entered` (the thread says that it is in the runtime) and `own` (whether m->p is its
 * own).
 *
 *      thread, entering                         monitor, taking
 *      entered = 1                              own: OWN_P -> RETAKING (CAS)
 *      light fence                              heavy fence
 *      own == OWN_P ?  in                       entered ?  own = OWN_P, leave it
 *                      else enter_slow                     else m->p = NULL, own = NONE: taken
 *
 * One of the two sees the other: the heavy fence (membarrier) makes the thread's store of `entered` visible
 * before the monitor looks, or the thread's load of `own` happen after the CAS. A thread that meets RETAKING
 * takes `entered` back and waits for the verdict, a few hundred nanoseconds. A thread that finds NONE takes
 * an idle P, or parks its goroutine on the global queue. models/handover.pml.
 */
#include "sched/event.h"
#include "sched/inline.h"
#include "sched/runq.h"
#include "sched/sanitize.h"
#include "sched/sched.h"
#include "poll/poll.h"

struct oak__g *oak__self(void)
{
    struct oak__m *m = oak__m_self();
    struct oak__g *g = m ? load_relaxed(&m->g) : NULL;
    if (unlikely(!g)) {
        g = oak__enter();
        oak__exit();
    }
    return g;
}

struct oak__g *oak__self_if_any(bool *entered)
{
    struct oak__m *m = oak__m_self();
    *entered = m && load_relaxed(&m->entered);
    struct oak__g *caller = m ? load_relaxed(&m->caller) : NULL;
    return caller || !m ? caller : load_relaxed(&m->g);
}

struct oak__g *oak__enter(void)
{
    return oak__enter_inline();
}

void oak__exit(void)
{
    if (likely(oak__m_self() != NULL))
        oak__exit_inline();
}

static struct oak__p *idle_p(void)
{
    struct oak__sched *s = oak__sched;
    lock(&s->lock);
    struct oak__p *p = oak__idle_p_get();
    unlock(&s->lock);
    return p;
}

/* This goroutine's P was taken: gets another one, or waits its turn in the global queue. */
static struct oak__g *get_p_again(struct oak__m *m)
{
    struct oak__g *g = load_relaxed(&m->g);
    struct oak__p *p = idle_p();
    if (p) {
        oak__acquire_p(m, p);
    } else {
        sanitize_made_runnable(g);
        oak__leave(m, g, OAK__PREV_GLOBAL);
    }
    oak__event(OAK__EV_RESUME, g);
    return g;
}

COLD struct oak__g *oak__enter_slow(void)
{
    struct oak__m *m = oak__m_self();
    if (!m) {
        m = oak__m_for_thread();
        if (!m)
            return NULL;
    }
    for (;;) {
        switch (load_acquire(&m->own)) {
        case OAK__OWN_THREAD:
        case OAK__OWN_P:
            return load_relaxed(&m->g);
        case OAK__OWN_NONE:
            return get_p_again(m);
        default: /* RETAKING */
            store_release(&m->entered, 0);
            while (load_acquire(&m->own) == OAK__OWN_RETAKING)
                cpu_relax();
            store_relaxed(&m->entered, 1);
            oak__light_fence();
        }
    }
}

bool oak__retake(struct oak__p *p)
{
    struct oak__m *m = load_acquire(&p->m);
    uint32_t own = OAK__OWN_P;
    if (!m || !cas_seq(&m->own, &own, OAK__OWN_RETAKING))
        return false;
    oak__heavy_fence();
    if (load_acquire(&m->entered) || load_relaxed(&m->p) != p) {
        store_release(&m->own, OAK__OWN_P);
        return false;
    }
    oak__event(OAK__EV_SYSCALL, load_relaxed(&m->g));
    store_relaxed(&m->p, NULL);
    store_relaxed(&p->m, NULL);
    store_release(&m->own, OAK__OWN_NONE);
    return true;
}

/* Someone must sleep in the poller, or timers and descriptors wait for the next schedule of a busy P. */
static bool last_awake(void)
{
    struct oak__sched *s = oak__sched;
    return load_relaxed(&s->nidle_ps) + 1 == s->nprocs && load_relaxed(&s->polling) == 0;
}

void oak__hand_off(struct oak__p *p)
{
    struct oak__sched *s = oak__sched;
    if (!oak__runq_empty(p) || load_relaxed(&s->global_count)) {
        oak__start_worker(p, false);
        return;
    }
    uint32_t none = 0;
    if (load_relaxed(&s->nidle_ps) == 0 && cas_seq(&s->nspinning, &none, 1)) {
        oak__start_worker(p, true);
        return;
    }
    lock(&s->lock);
    bool start = load_relaxed(&s->global_count) || last_awake();
    if (!start)
        oak__idle_p_put(p);
    unlock(&s->lock);
    if (start) {
        oak__start_worker(p, false);
        return;
    }
    fence_seq();
    int64_t polling = load_relaxed(&s->polling);
    if (polling && load_relaxed(&p->wheel.next_due) < polling - 1)
        oak__poll_break();
}
