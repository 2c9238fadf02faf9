/*
 * The mutex.
 *
 * The state word is the owner's goroutine id << 2 | mode. Ids are never used again, so "mine" is exact, and
 * the leak proof reads from the word whom a blocked goroutine waits for. Taking a free mutex and giving back
 * one that nobody waits for is one compare-and-swap, not entered, or less.
 *
 *   NONE     nobody waits
 *   QUEUED   goroutines wait, none of them is awake: unlock wakes the first
 *   WOKEN    one of them has been woken and is on its way: unlock wakes no second one
 *   HANDOFF  the first has lost for too long: unlock makes it the owner; nobody barges
 *
 *      free:   NONE, WOKEN               owned by id:  NONE, QUEUED, WOKEN, HANDOFF
 *
 * A mutex that is free with mode WOKEN may be taken by anybody ("barging"): the running goroutine that comes
 * by takes it at once, where a hand-over would cost a switch each time. Who was woken and finds it taken
 * queues again, in front. It alone ends WOKEN: to NONE or QUEUED when it gets the lock, to QUEUED when it
 * goes back to sleep, to HANDOFF when it has been waiting for STARVING by then.
 *
 * Who may write the word:
 *   - from free to owned, and from owned to free in NONE and WOKEN: anybody, respectively the owner, by CAS;
 *     by one who is alone (sched/alone.h) by a plain store, entered;
 *   - every change of the mode, and an unlock in QUEUED and HANDOFF: under the lock.
 * So under the lock in QUEUED and HANDOFF the word stands still; otherwise it is changed by CAS.
 *
 * Freed at once: the last touch of an unlock that frees the mutex for good is its CAS. One that takes the
 * lock has seen a queued waiter there, which is still inside its own call.
 *
 * A cancelled waiter takes itself off the queue. If it was woken by an unlock first, its park returns 0 and
 * it takes part in the race as ever: no wake-up is lost. If that try fails, the next park is cancelled.
 */
#include "sync/mutex.h"
#include "sched/alone.h"

enum mode { NONE, QUEUED, WOKEN, HANDOFF, MODES = 3 };
/* A waiter that has lost for so long is handed the lock (as in Go). */
#define STARVING OAK_MILLISECOND
enum { SPIN_ROUNDS = 4, SPIN_PAUSES = 30 };

static enum mode mode_of(uint64_t s)
{
    return (enum mode)(s & MODES);
}

static uint64_t word_of(const struct oak__g *g)
{
    return load_relaxed(&g->id) << 2;
}

/*
 * Takes m if it is free. Not for those who have been woken. The load first: with waiters about the mode is
 * WOKEN more often than not, and a compare-and-swap that fails costs as much as one that does not.
 */
static inline bool take(struct oak__mutex *m, uint64_t me)
{
    uint64_t s = load_relaxed(&m->state);
    while (s <= MODES)
        if (likely(cas_acquire(&m->state, &s, me | s)))
            return true;
    return false;
}

/* The same for g, the caller, not entered: without atomic operations where it is alone (sched/alone.h). */
static inline bool take_for(struct oak__mutex *m, struct oak__g *g)
{
    if (!oak__alone_enter(g))
        return take(m, word_of(g));
    uint64_t s = load_relaxed(&m->state);
    bool free_word = s <= MODES;
    if (likely(free_word))
        store_relaxed(&m->state, word_of(g) | s);
    oak__exit_inline();
    return free_word;
}

/* The owner may be about to unlock on another processor: looks a few times before it pays for a switch. */
static bool spin(struct oak__mutex *m, uint64_t me)
{
    if (oak_procs() == 1)
        return false;
    for (int i = 0; i < SPIN_ROUNDS; i++) {
        for (int k = 0; k < SPIN_PAUSES; k++)
            cpu_relax();
        if (take(m, me))
            return true;
        if (mode_of(load_relaxed(&m->state)) == HANDOFF)
            return false;
    }
    return false;
}

/* Under the lock: takes m (true), or says in its mode that the caller is about to queue. */
static bool take_or_announce(struct oak__mutex *m, uint64_t me, bool woken, bool starving)
{
    uint64_t s = load_relaxed(&m->state);
    for (;;) {
        enum mode mode = mode_of(s);
        if (s <= MODES) {
            if (woken)
                mode = list_empty(&m->queue) ? NONE : QUEUED;
            if (cas_acquire(&m->state, &s, me | mode))
                return true;
        } else {
            if (starving)
                mode = HANDOFF;
            else if (woken || mode == NONE)
                mode = QUEUED;
            if (cas_acquire(&m->state, &s, (s & ~(uint64_t)MODES) | mode))
                return false;
        }
    }
}

/* Something else than an unlock woke the caller. */
static void withdraw(struct oak__mutex *m, struct oak__waiter *w)
{
    lock(&m->lock);
    waitq_withdraw(&m->queue, w);
    uint64_t s = load_relaxed(&m->state);
    if (list_empty(&m->queue) && (mode_of(s) == QUEUED || mode_of(s) == HANDOFF))
        store_relaxed(&m->state, s & ~(uint64_t)MODES); /* the word stands still here; nothing is released */
    unlock(&m->lock);
}

/* Entered. 0 when g owns m. */
static int acquire(struct oak__mutex *m, struct oak__g *g, int64_t deadline)
{
    const uint64_t me = word_of(g);
    bool woken = false, starving = false;
    int64_t since = 0;
    if (mutex_owner(m) != me >> 2 && spin(m, me))
        return 0;
    for (;;) {
        lock(&m->lock);
        if (take_or_announce(m, me, woken, starving)) {
            unlock(&m->lock);
            return 0;
        }
        if (!since)
            since = oak_now();
        struct oak__waiter *w = oak__wait_begin(g, OAK_WAIT_MUTEX, m, deadline);
        w->data = (uintptr_t)since;
        (woken ? waitq_push_front : waitq_push)(&m->queue, w);
        unlock(&m->lock);

        int err = oak__wait_park(g);
        if (err < 0) {
            withdraw(m, w);
            return err;
        }
        if (load_acquire(&m->state) >> 2 == me >> 2)
            return 0; /* handed over */
        woken = true;
        starving = oak_now() - since > STARVING;
    }
}

/* Under the lock, in QUEUED or HANDOFF: what the word becomes when the owner leaves m to w. */
static uint64_t succession(struct oak__mutex *m, enum mode mode, struct oak__waiter *w)
{
    if (mode == QUEUED)
        return WOKEN;
    struct oak__waiter *next = waitq_first(&m->queue);
    enum mode then = !next ? NONE : oak_now() - (int64_t)next->data > STARVING ? HANDOFF : QUEUED;
    return word_of(w->g) | then;
}

void oak__mutex_release(struct oak__mutex *m, struct oak__g *g)
{
    const uint64_t me = word_of(g);
    uint64_t s = load_relaxed(&m->state);
    for (;;) {
        if (mode_of(s) == NONE || mode_of(s) == WOKEN) {
            if (cas_release(&m->state, &s, mode_of(s)))
                return;
            continue;
        }
        struct oak__waiter *w = NULL;
        lock(&m->lock);
        s = load_relaxed(&m->state);
        if (mode_of(s) == QUEUED || mode_of(s) == HANDOFF) {
            w = waitq_claim_first(&m->queue);
            s = w ? succession(m, mode_of(s), w) : me; /* no w: all were cancelled; the CAS above frees it */
            store_release(&m->state, s);
        }
        unlock(&m->lock);
        if (w) {
            oak__wait_wake(w->g, 0);
            return;
        }
    }
}

static NOINLINE int lock_slow(struct oak__mutex *m, int64_t limit)
{
    if (limit <= 0)
        return -ETIMEDOUT;
    int64_t deadline = oak__deadline_of(limit);
    struct oak__g *g = oak__enter();
    int err = acquire(m, g, deadline);
    oak__exit();
    if (!err)
        g->held_locks++;
    return err;
}

static inline int lock_within(oak_mutex *pm, int64_t limit)
{
    if (unlikely(!pm))
        return -EINVAL;
    struct oak__mutex *m = mutex_of(pm);
    struct oak__g *g = oak__self();
    int err = likely(g != NULL) ? oak__ctx_check(g) : -ENOMEM;
    if (unlikely(err))
        return err;
    if (likely(take_for(m, g))) {
        g->held_locks++;
        return 0;
    }
    return lock_slow(m, limit);
}

int oak_mutex_lock(oak_mutex *m)
{
    return lock_within(m, OAK_FOREVER);
}

int oak_mutex_lock_timeout(oak_mutex *m, int64_t limit)
{
    return lock_within(m, limit);
}

int oak_mutex_trylock(oak_mutex *m)
{
    if (!m)
        return -EINVAL;
    struct oak__g *g = oak__self();
    if (!g)
        return -ENOMEM;
    if (!take_for(mutex_of(m), g))
        return -EBUSY;
    g->held_locks++;
    return 0;
}

static COLD OAK_NORETURN void not_yours(oak_mutex *m, uint64_t owner, const void *pc)
{
    if (!m)
        oak__panic_at(pc, "unlock of a NULL mutex");
    if (!owner)
        oak__panic_at(pc, "unlock of unlocked mutex %p", (void *)m);
    oak__panic_at(pc, "unlock of mutex %p, which goroutine %llu holds", (void *)m, (unsigned long long)owner);
}

static NOINLINE void unlock_slow(struct oak__mutex *m, struct oak__g *g)
{
    oak__enter();
    oak__mutex_release(m, g);
    oak__exit();
}

/* True: m, which g holds, is free, and nobody had to be woken. s: the word as g has seen it. */
static inline bool give_back(struct oak__mutex *m, struct oak__g *g, uint64_t s)
{
    enum mode mode = mode_of(s);
    if (!oak__alone_enter(g))
        return (mode == NONE || mode == WOKEN) && cas_release(&m->state, &s, mode);
    mode = mode_of(load_relaxed(&m->state));
    bool unwaited = mode == NONE || mode == WOKEN;
    if (likely(unwaited))
        store_release(&m->state, mode);
    oak__exit_inline();
    return unwaited;
}

void oak_mutex_unlock(oak_mutex *pm)
{
    if (unlikely(!pm))
        not_yours(pm, 0, caller_pc());
    struct oak__mutex *m = mutex_of(pm);
    struct oak__g *g = oak__self();
    uint64_t s = load_relaxed(&m->state);
    if (unlikely(!g || s >> 2 != load_relaxed(&g->id)))
        not_yours(pm, s >> 2, caller_pc());
    g->held_locks--;
    if (unlikely(!give_back(m, g, s)))
        unlock_slow(m, g);
}

void oak__mutex_relock(struct oak__mutex *m, struct oak__g *g)
{
    if (!take_for(m, g)) {
        oak__enter();
        struct oak_ctx *masked = oak__ctx_mask(g);
        while (acquire(m, g, OAK_FOREVER) < 0)
            ;
        oak__ctx_unmask(g, masked);
        oak__exit();
    }
    g->held_locks++;
}
