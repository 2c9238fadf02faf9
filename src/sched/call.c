/* Calls that are known to block: the P is given away at once, and taken again afterwards. */
#include "poll/poll.h"
#include "sched/event.h"
#include "sched/m.h"
#include "sched/runq.h"
#include "sched/sanitize.h"
#include "sched/sched.h"

/* Would anybody profit from the P now? Otherwise the monitor can take it when somebody does. */
static bool wanted(struct oak__p *p)
{
    struct oak__sched *s = oak__sched;
    return !oak__runq_empty(p) || load_relaxed(&s->global_count) ||
           load_relaxed(&p->wheel.next_due) != OAK_FOREVER || (oak__poll_any() && !load_relaxed(&s->polling));
}

int oak__blocking_begin(void)
{
    struct oak__g *g = oak__enter();
    struct oak__m *m = oak__m_self();
    if (g->kind == OAK__G_GOROUTINE && wanted(load_relaxed(&m->p))) {
        oak__event(OAK__EV_SYSCALL, g);
        oak__hand_off(oak__release_p(m));
    }
    oak__exit();
    return 1;
}

/* The next entering would do; doing it now keeps the number of running goroutines at the number of Ps. */
void oak__blocking_end(int *token)
{
    (void)token;
    int saved = *oak_errno_location();
    oak__enter();
    oak__exit();
    *oak_errno_location() = saved;
}

int oak_on_thread_stack(void (*fn)(void *), void *arg)
{
    if (!fn)
        return -EINVAL;
    struct oak__g *g = oak__enter();
    struct oak__m *m = oak__m_self();
    if (g->kind == OAK__G_THREAD) {
        oak__exit();
        fn(arg);
        return 0;
    }
    store_relaxed(&m->call_fn, fn);
    store_relaxed(&m->call_arg, arg);
    sanitize_made_runnable(g);
    oak__leave(m, g, OAK__PREV_CALL);
    oak__exit();
    return 0;
}

/* On g0, with m->g still the caller: makes the call. The caller goes on here if a P is free, else wherever
 * there is one. */
void oak__call_on_g0(struct oak__m *m, struct oak__g *g)
{
    sanitize_runs(g);
    oak__event(OAK__EV_SYSCALL, g);
    oak__hand_off(oak__release_p(m));
    store_release(&m->entered, 0);
    load_relaxed (&m->call_fn)(load_relaxed(&m->call_arg));
    store_relaxed(&m->entered, 1);
    sanitize_made_runnable(g);
    struct oak__sched *s = oak__sched;
    lock(&s->lock);
    struct oak__p *p = oak__idle_p_get();
    unlock(&s->lock);
    if (p) {
        oak__acquire_p(m, p);
        oak__event(OAK__EV_RESUME, g);
        oak__run(m, g);
        return;
    }
    store_relaxed(&m->g, NULL);
    store_relaxed(&g->status, OAK__G_RUNNABLE);
    oak__global_push(g);
    oak__wake_worker();
}
