/*
 * The condition: a queue of waiters.
 *
 * A waiter queues itself before it gives the mutex back, so a signal that comes after the unlock finds it. A
 * signal goes to the first waiter that can be claimed: one that was cancelled or timed out has been claimed
 * already and is passed over, so the signal is not lost on it. The mutex is taken again with the goroutine's
 * context masked: that wait is not cancelled.
 */
#include "sync/mutex.h"

struct cond {
    oak__lock lock;
    struct oak__link queue;
};
_Static_assert(sizeof(struct cond) == sizeof(oak_cond), "oak_cond");
_Static_assert(_Alignof(struct cond) == _Alignof(oak_cond), "oak_cond");

/* Entered. Gives m back and waits. */
static int wait_signal(struct cond *c, struct oak__mutex *m, struct oak__g *g, int64_t deadline)
{
    lock(&c->lock);
    struct oak__waiter *w = oak__wait_begin(g, OAK_WAIT_COND, c, deadline);
    waitq_push(&c->queue, w);
    unlock(&c->lock);
    g->held_locks--;
    oak__mutex_release(m, g);
    return waitq_park(g, w, &c->queue, &c->lock);
}

static int wait_within(oak_cond *pc, oak_mutex *pm, int64_t limit, const void *caller)
{
    if (!pc || !pm)
        return -EINVAL;
    struct oak__mutex *m = mutex_of(pm);
    struct oak__g *g = oak__self();
    if (!g || mutex_owner(m) != load_relaxed(&g->id))
        oak__panic_at(caller, "wait on condition %p with mutex %p, which the caller does not hold",
                      (void *)pc, (void *)pm);
    int err = oak__ctx_check(g);
    if (err || limit <= 0)
        return err ? err : -ETIMEDOUT;
    int64_t deadline = oak__deadline_of(limit);
    oak__enter();
    err = wait_signal((struct cond *)pc, m, g, deadline);
    oak__exit();
    oak__mutex_relock(m, g);
    return err;
}

int oak_cond_wait(oak_cond *c, oak_mutex *m)
{
    return wait_within(c, m, OAK_FOREVER, caller_pc());
}

int oak_cond_wait_timeout(oak_cond *c, oak_mutex *m, int64_t limit)
{
    return wait_within(c, m, limit, caller_pc());
}

int oak_cond_signal(oak_cond *pc)
{
    if (!pc)
        return -EINVAL;
    struct cond *c = (struct cond *)pc;
    oak__enter();
    lock(&c->lock);
    struct oak__waiter *w = waitq_claim_first(&c->queue);
    unlock(&c->lock);
    if (w)
        oak__wait_wake(w->g, 0);
    oak__exit();
    return 0;
}

int oak_cond_broadcast(oak_cond *pc)
{
    if (!pc)
        return -EINVAL;
    struct cond *c = (struct cond *)pc;
    struct wakelist woken = {0};
    oak__enter();
    lock(&c->lock);
    waitq_claim_all(&c->queue, &woken);
    unlock(&c->lock);
    wake_all(&woken);
    oak__exit();
    return 0;
}
