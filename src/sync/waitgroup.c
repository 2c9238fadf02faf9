/*
 * The wait group: a count, and goroutines that wait until it is zero.
 *
 * The word is count << 1 | WAITERS. Adding is one compare-and-swap, not entered (for one who is alone, sched/alone.h, a plain
 * store, entered), but for the one that brings the count to zero while somebody waits: that one happens under the lock,
 * together with claiming all waiters, so a new round may begin at once and no waiter of the old one is held back by it.
 *
 * Freed at once: a done() that frees the waiters touches the wait group last when it unlocks; one that saw no
 * waiters, by its CAS. A waiter always takes the lock, also when the count is zero already, and so comes
 * after either.
 */
#include "sched/alone.h"
#include "sync/waitq.h"

#include <oakum/sync.h>

enum { WAITERS = 1 };

struct waitgroup {
    _Atomic uint64_t state;
    oak__lock lock;
    struct oak__link queue;
};
_Static_assert(sizeof(struct waitgroup) == sizeof(oak_waitgroup), "oak_waitgroup");
_Static_assert(_Alignof(struct waitgroup) == _Alignof(oak_waitgroup), "oak_waitgroup");

/* The count goes from that of s to zero. False: the word has changed meanwhile. */
static NOINLINE bool zero_and_wake(struct waitgroup *wg, uint64_t s, bool entered)
{
    struct wakelist woken = {0};
    if (!entered)
        oak__enter();
    lock(&wg->lock);
    bool zero = cas_acq_rel(&wg->state, &s, 0);
    if (zero)
        waitq_claim_all(&wg->queue, &woken);
    unlock(&wg->lock);
    wake_all(&woken);
    if (!entered)
        oak__exit();
    return zero;
}

/* alone: nobody else changes the word (sched/alone.h). */
static inline bool change(struct waitgroup *wg, uint64_t *s, uint64_t to, bool alone)
{
    if (!alone)
        return cas_acq_rel(&wg->state, s, to);
    store_release(&wg->state, to);
    return true;
}

/* Adds n; false: the count, in *count, would be negative, and nothing happened. */
static inline bool add_to(struct waitgroup *wg, int n, bool alone, int64_t *count)
{
    uint64_t s = load_relaxed(&wg->state);
    for (;;) {
        *count = (int64_t)(s >> 1) + n;
        if (unlikely(*count < 0))
            return false;
        if (unlikely(*count == 0 && (s & WAITERS))) {
            if (zero_and_wake(wg, s, alone))
                return true;
            s = load_relaxed(&wg->state);
        } else if (change(wg, &s, (uint64_t)*count << 1 | (s & WAITERS), alone)) {
            return true;
        }
    }
}

static inline void add(oak_waitgroup *pwg, int n, const void *caller)
{
    if (unlikely(!pwg))
        oak__panic_at(caller, "add to a NULL wait group");
    int64_t count;
    bool alone = oak__alone_enter(oak__self());
    bool added = add_to((struct waitgroup *)pwg, n, alone, &count);
    if (alone)
        oak__exit_inline();
    if (unlikely(!added))
        oak__panic_at(caller, "negative count %lld of wait group %p", (long long)count, (void *)pwg);
}

void oak_waitgroup_add(oak_waitgroup *wg, int n)
{
    add(wg, n, caller_pc());
}

void oak_waitgroup_done(oak_waitgroup *wg)
{
    add(wg, -1, caller_pc());
}

/* Under the lock: false when the count is zero (and all that was done before is seen), else true and WAITERS
 * is set. */
static bool must_wait(struct waitgroup *wg)
{
    for (;;) {
        uint64_t s = load_acquire(&wg->state);
        if (s >> 1 == 0)
            return false;
        if ((s & WAITERS) || cas_acquire(&wg->state, &s, s | WAITERS))
            return true;
    }
}

/* Entered. */
static int wait_zero(struct waitgroup *wg, struct oak__g *g, int64_t limit, int64_t deadline)
{
    lock(&wg->lock);
    bool wait = must_wait(wg);
    if (!wait || limit <= 0) {
        unlock(&wg->lock);
        return wait ? -ETIMEDOUT : 0;
    }
    struct oak__waiter *w = oak__wait_begin(g, OAK_WAIT_WAITGROUP, wg, deadline);
    waitq_push(&wg->queue, w);
    unlock(&wg->lock);
    return waitq_park(g, w, &wg->queue, &wg->lock);
}

int oak_waitgroup_wait_timeout(oak_waitgroup *wg, int64_t limit)
{
    if (!wg)
        return -EINVAL;
    int64_t deadline = oak__deadline_of(limit);
    struct oak__g *g = oak__enter();
    if (!g)
        return -ENOMEM;
    int err = oak__ctx_check(g);
    if (!err)
        err = wait_zero((struct waitgroup *)wg, g, limit, deadline);
    oak__exit();
    return err;
}

int oak_waitgroup_wait(oak_waitgroup *wg)
{
    return oak_waitgroup_wait_timeout(wg, OAK_FOREVER);
}
