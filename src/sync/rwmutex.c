/*
 * The read-write mutex.
 *
 * One word: the writer's goroutine id or the number of readers, and a bit that says that goroutines queue.
 * Without that bit every operation is one compare-and-swap, not entered. With it nobody passes: all take the
 * lock, whoever comes queues behind the others, and whoever leaves the mutex free hands it to the head of the
 * queue: to one writer, or to all readers up to the next writer. So a waiting writer is not starved (readers
 * that come later stand behind it), nor are readers (a writer that comes later stands behind them).
 *
 * Each waiter says in waiter->data what it wants. Who is granted the lock holds it when it wakes. A waiter
 * that is cancelled takes itself off the queue and looks whether those behind it can go on now: readers
 * behind a writer that gave up.
 */
#include "sync/rwmutex.h"
#include "sync/reads.h"

enum want { READ, WRITE = OAK__RW_WANTS_WRITE };
enum { QUEUED = OAK__RW_QUEUED, WRITER = OAK__RW_WRITER, ONE = 1 << OAK__RW_SHIFT };

static uint64_t writer_word(const struct oak__g *g)
{
    return load_relaxed(&g->id) << OAK__RW_SHIFT | WRITER;
}

/* Nobody queues and the state allows it. */
static inline bool take(struct oak__rwmutex *m, const struct oak__g *g, enum want want)
{
    uint64_t s = load_relaxed(&m->state);
    if (want == WRITE)
        return s == 0 && cas_acquire(&m->state, &s, writer_word(g));
    while (!(s & (QUEUED | WRITER)))
        if (cas_acquire(&m->state, &s, s + ONE))
            return true;
    return false;
}

/* Under the lock: takes m (true), or sets QUEUED, after which the state is the lock's. */
static bool take_or_announce(struct oak__rwmutex *m, const struct oak__g *g, enum want want)
{
    for (;;) {
        if (take(m, g, want))
            return true;
        uint64_t s = load_relaxed(&m->state);
        if (s & QUEUED)
            return false;
        bool in_the_way = want == WRITE ? s != 0 : s & WRITER;
        if (in_the_way && cas_acquire(&m->state, &s, s | QUEUED))
            return false;
    }
}

/* Under the lock, QUEUED set: gives m, with this state, to as many of the queue's head as it can. */
static void grant(struct oak__rwmutex *m, uint64_t s, struct wakelist *granted)
{
    struct oak__waiter *w;
    while (!(s & WRITER) && (w = waitq_first(&m->queue))) {
        if (w->data == WRITE && s != 0)
            break;
        waitq_remove(&m->queue, w);
        if (!oak__wait_claim(w->g, w->ticket))
            continue;
        s = w->data == WRITE ? writer_word(w->g) : s + ONE;
        wakelist_add(granted, w);
    }
    store_release(&m->state, list_empty(&m->queue) ? s : s | QUEUED);
}

static uint64_t holders(struct oak__rwmutex *m)
{
    return load_relaxed(&m->state) & ~(uint64_t)QUEUED;
}

static void withdraw(struct oak__rwmutex *m, struct oak__waiter *w)
{
    struct wakelist granted = {0};
    lock(&m->lock);
    if (waitq_withdraw(&m->queue, w))
        grant(m, holders(m), &granted);
    unlock(&m->lock);
    wake_all(&granted);
}

/* Entered. */
static int acquire(struct oak__rwmutex *m, struct oak__g *g, enum want want, int64_t deadline)
{
    lock(&m->lock);
    if (take_or_announce(m, g, want)) {
        unlock(&m->lock);
        return 0;
    }
    enum oak_wait_reason why = want == WRITE ? OAK_WAIT_RWMUTEX_W : OAK_WAIT_RWMUTEX_R;
    struct oak__waiter *w = oak__wait_begin(g, why, m, deadline);
    w->data = want;
    waitq_push(&m->queue, w);
    unlock(&m->lock);
    int err = oak__wait_park(g);
    if (err < 0)
        withdraw(m, w);
    return err;
}

/* In the goroutine's own books. Not entered. */
static void taken(struct oak__rwmutex *m, struct oak__g *g, enum want want)
{
    if (want == WRITE)
        g->held_locks++;
    else if (!oak__reads_add(g, m))
        fetch_add_relaxed(&m->untracked, 1);
}

static NOINLINE int lock_slow(struct oak__rwmutex *m, enum want want, int64_t limit)
{
    if (limit <= 0)
        return -ETIMEDOUT;
    int64_t deadline = oak__deadline_of(limit);
    struct oak__g *g = oak__enter();
    int err = acquire(m, g, want, deadline);
    oak__exit();
    if (!err)
        taken(m, g, want);
    return err;
}

static inline int lock_within(oak_rwmutex *pm, enum want want, int64_t limit)
{
    if (unlikely(!pm))
        return -EINVAL;
    struct oak__rwmutex *m = rwmutex_of(pm);
    struct oak__g *g = oak__self();
    int err = likely(g != NULL) ? oak__ctx_check(g) : -ENOMEM;
    if (unlikely(err))
        return err;
    if (unlikely(!take(m, g, want)))
        return lock_slow(m, want, limit);
    taken(m, g, want);
    return 0;
}

static int try_lock_for(oak_rwmutex *pm, enum want want)
{
    if (!pm)
        return -EINVAL;
    struct oak__g *g = oak__self();
    if (!g)
        return -ENOMEM;
    if (!take(rwmutex_of(pm), g, want))
        return -EBUSY;
    taken(rwmutex_of(pm), g, want);
    return 0;
}

int oak_rwmutex_lock(oak_rwmutex *m)
{
    return lock_within(m, WRITE, OAK_FOREVER);
}

int oak_rwmutex_lock_timeout(oak_rwmutex *m, int64_t limit)
{
    return lock_within(m, WRITE, limit);
}

int oak_rwmutex_trylock(oak_rwmutex *m)
{
    return try_lock_for(m, WRITE);
}

int oak_rwmutex_rlock(oak_rwmutex *m)
{
    return lock_within(m, READ, OAK_FOREVER);
}

int oak_rwmutex_rlock_timeout(oak_rwmutex *m, int64_t limit)
{
    return lock_within(m, READ, limit);
}

int oak_rwmutex_tryrlock(oak_rwmutex *m)
{
    return try_lock_for(m, READ);
}

/* The caller's share is given back while others may queue. When QUEUED is gone by now, the last touch must
 * again be a CAS: nobody else keeps the mutex from being freed. */
static NOINLINE void release_slow(struct oak__rwmutex *m, enum want want)
{
    struct wakelist granted = {0};
    oak__enter();
    for (;;) {
        uint64_t s = load_relaxed(&m->state);
        if (!(s & QUEUED)) {
            if (cas_release(&m->state, &s, want == WRITE ? 0 : s - ONE))
                break;
            continue;
        }
        lock(&m->lock);
        bool queued = load_relaxed(&m->state) & QUEUED;
        if (queued)
            grant(m, want == WRITE ? 0 : holders(m) - ONE, &granted);
        unlock(&m->lock);
        if (queued)
            break;
    }
    wake_all(&granted);
    oak__exit();
}

static COLD OAK_NORETURN void not_yours(oak_rwmutex *m, uint64_t state, const void *pc)
{
    if (!m)
        oak__panic_at(pc, "unlock of a NULL rwmutex");
    if (!(state & WRITER))
        oak__panic_at(pc, "unlock of rwmutex %p, which no writer holds", (void *)m);
    oak__panic_at(pc, "unlock of rwmutex %p, which goroutine %llu holds", (void *)m,
                  (unsigned long long)(state >> OAK__RW_SHIFT));
}

void oak_rwmutex_unlock(oak_rwmutex *pm)
{
    if (unlikely(!pm))
        not_yours(pm, 0, caller_pc());
    struct oak__rwmutex *m = rwmutex_of(pm);
    struct oak__g *g = oak__self();
    if (unlikely(!g))
        not_yours(pm, load_relaxed(&m->state), caller_pc());
    uint64_t me = writer_word(g), s = me;
    if (unlikely(!cas_release(&m->state, &s, 0))) {
        if ((s & ~(uint64_t)QUEUED) != me)
            not_yours(pm, s, caller_pc());
        release_slow(m, WRITE);
    }
    g->held_locks--;
}

/* Takes the caller's read lock out of the books, if it stands there. */
static bool was_reading(struct oak__rwmutex *m, struct oak__g *g)
{
    if ((holders(m) & WRITER) || holders(m) == 0)
        return false;
    if (oak__reads_remove(g, m))
        return true;
    uint32_t n = load_relaxed(&m->untracked);
    while (n > 0)
        if (cas_acquire(&m->untracked, &n, n - 1))
            return true;
    return false;
}

static COLD OAK_NORETURN void not_read_by_you(oak_rwmutex *m, const void *pc)
{
    if (!m)
        oak__panic_at(pc, "read-unlock of a NULL rwmutex");
    uint64_t s = holders(rwmutex_of(m));
    oak__panic_at(pc, "read-unlock of rwmutex %p, which %s", (void *)m,
                  s == 0 || (s & WRITER) ? "no reader holds" : "others hold");
}

void oak_rwmutex_runlock(oak_rwmutex *pm)
{
    struct oak__rwmutex *m = rwmutex_of(pm);
    struct oak__g *g = oak__self();
    if (unlikely(!m || !g || !was_reading(m, g)))
        not_read_by_you(pm, caller_pc());
    uint64_t s = load_relaxed(&m->state);
    while (!(s & QUEUED))
        if (likely(cas_release(&m->state, &s, s - ONE)))
            return;
    release_slow(m, READ);
}
