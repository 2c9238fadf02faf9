/*
 * fork(2) in a program with goroutines.
 *
 * The child has one thread: the one that forked. All other goroutines exist only in the parent; were the child's scheduler to
 * run them, they would run twice. So in the child:
 *   - the goroutine that forked goes on as a plain thread does: time limits and sleeps work, what would have to wait for
 *     another goroutine waits for ever;
 *   - nothing can be started: spawning returns -EAGAIN;
 *   - when its function returns, the process ends: with the result for the main goroutine, with 0 for others.
 * execve and _exit are what a child is for. The scheduler's lock and the start lock are held across the fork, so that the child finds
 * them free; locks of channels and other objects may have been held by another thread: do not use shared ones.
 */
#include "sched/fork.h"
#include "sched/alone.h"
#include "sched/m.h"
#include "sched/sched.h"

#include <pthread.h>
#include <stdlib.h>

_Atomic bool oak__forked;

static void before(void)
{
    lock(&oak__sched->lock);
}

static void in_parent(void)
{
    unlock(&oak__sched->lock);
}

static void in_child(void)
{
    store_relaxed(&oak__forked, true);
    store_relaxed(&oak__runs, false);
    store_relaxed(&oak__sched->lock.word, 0);
    store_relaxed(&oak__company, OAK__COMPANY_HERE); /* one thread, and not always with a P */
    /* Nobody is in a section any more. */
    for (uint32_t i = 0; i < oak__sched->nprocs; i++)
        store_relaxed(&oak__sched->p[i]->inside, 0);
    struct oak__m *m = oak__m_self();
    if (!m || load_relaxed(&m->own) == OAK__OWN_THREAD)
        return;
    struct oak__g *g = load_relaxed(&m->g);
    m->tid = oak__os_gettid();
    store_relaxed(&m->p, NULL);
    store_relaxed(&m->own, OAK__OWN_THREAD);
    if (g)
        g->kind = OAK__G_THREAD;
}

void oak__fork_init(void)
{
    pthread_atfork(before, in_parent, in_child);
}

void oak__fork_end(int result)
{
    exit(result);
}
