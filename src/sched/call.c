/* Calls that are known to block: the P is given away at once, and taken again afterwards. */
#include "base/os.h"
#include "poll/poll.h"
#include "sched/event.h"
#include "sched/fork.h"
#include "sched/m.h"
#include "sched/runq.h"
#include "sched/sanitize.h"
#include "sched/sched.h"

#include <oakum/panic.h>

/* Would anybody profit from the P now? Otherwise the monitor can take it when somebody does. */
static bool wanted(struct oak__p *p)
{
    struct oak__sched *s = oak__sched;
    return !oak__runq_empty(p) || load_relaxed(&s->global_count) ||
           load_relaxed(&p->wheel.next_due) != OAK_FOREVER || (oak__poll_any() && !load_relaxed(&s->polling));
}

int oak__blocking_begin(void)
{
    if (!oak__m_self()) /* a plain thread that has not used Oakum: it has nothing to give away */
        return 1;
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
    if (!oak__m_self())
        return;
    int saved = *oak_errno_location();
    oak__enter();
    oak__exit();
    *oak_errno_location() = saved;
}

/* ---- calls on the thread's own stack ---- */

struct call {
    void (*fn)(void *);
    void *arg;
    bool panicked;
    struct oak_panic_info panic;
};

static void make_call(void *arg)
{
    struct call *c = arg;
    c->panicked = oak__call_recovered(c->fn, c->arg, &c->panic) != 0;
}

int oak_on_thread_stack(void (*fn)(void *), void *arg)
{
    if (!fn)
        return -EINVAL;
    struct oak__g *g = oak__m_self() ? oak__enter() : NULL;
    struct oak__m *m = oak__m_self();
    if (!g || g->kind == OAK__G_THREAD) {
        oak__exit();
        fn(arg);
        return 0;
    }
    struct call c = {.fn = fn, .arg = arg};
    store_relaxed(&m->call_fn, make_call);
    store_relaxed(&m->call_arg, &c);
    sanitize_made_runnable(g);
    oak__leave(m, g, OAK__PREV_CALL);
    oak__exit();
    if (c.panicked)
        oak__panic_again(&c.panic);
    return 0;
}

/*
 * The goroutine cannot be switched out while its call is on this stack, which is the scheduler's. So for as long as the
 * call lasts the thread is a plain one: what the call does with Oakum blocks the thread, which has no P to keep
 * from others. Its context is the goroutine's.
 */
static void become_thread(struct oak__m *m, struct oak__g *g)
{
    store_relaxed(&m->caller, g);
    oak__stand_in_begin(m);
    struct oak_ctx *ctx = load_relaxed(&g->ctx);
    store_relaxed(&m->stand_in.ctx, ctx);
    if (ctx)
        oak__ctx_attach(ctx, &m->stand_in);
}

static void become_worker(struct oak__m *m, struct oak__g *g)
{
    struct oak__g *thread = &m->stand_in;
    struct oak_ctx *ctx = load_relaxed(&thread->ctx);
    if (ctx)
        oak__ctx_detach(ctx, thread);
    store_relaxed(&thread->ctx, NULL);
    store_relaxed(&thread->name, NULL);
    oak__stand_in_end(m);
    store_relaxed(&m->caller, NULL);
    store_relaxed(&m->g, g);
    if (likely(!load_relaxed(&oak__forked)))
        store_relaxed(&m->own, OAK__OWN_NONE);
    else
        g->kind = OAK__G_THREAD; /* the call has forked: fork.c */
}

/* On g0, with m->g still the caller: makes the call. The caller goes on here if a P is free, else wherever
 * there is one. */
void oak__call_on_g0(struct oak__m *m, struct oak__g *g)
{
    sanitize_runs(g);
    oak__event(OAK__EV_SYSCALL, g);
    oak__hand_off(oak__release_p(m));
    become_thread(m, g);
    oak__scrub_stack();
    store_release(&m->entered, 0);
    load_relaxed (&m->call_fn)(load_relaxed(&m->call_arg));
    store_relaxed(&m->entered, 1);
    become_worker(m, g);
    sanitize_made_runnable(g);
    if (unlikely(g->kind == OAK__G_THREAD)) {
        oak__run(m, g);
        return;
    }
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
