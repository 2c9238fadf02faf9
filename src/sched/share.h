/*
 * Whether a P's backlog is worth carrying to another processor.
 *
 * Goroutines that talk to each other for some tens of nanoseconds at a time are faster on one processor than on two: each
 * message between two costs more cache misses than the work is worth. Nobody knows that beforehand, so thieves find out. A
 * worker that has run dry soon after a theft, with less than MIGRATION for each goroutine that it ran, did not help: its
 * victim then keeps its backlog to itself for a while, twice as long each time, until a theft pays again.
 *
 * Meanwhile those who queue on that P wake nobody for it, and nobody steals from it. Nothing waits for that longer than it
 * would have: the P runs what it has; if it stands still, the monitor takes it as ever (HOG_WITH_IDLE); and the monitor
 * wakes a worker for a backlog whose time has come (round_once).
 *
 * Internal: only src/sched may include it.
 */
#ifndef OAK_SCHED_SHARE_H
#define OAK_SCHED_SHARE_H

#include "sched/fresh.h"

/* What it costs to run a goroutine on another processor than before, roughly: its descriptor, its stack, what it works on. */
#define OAK__MIGRATION OAK_MICROSECOND

/* May p's backlog be carried away? By the coarse clock: nothing depends on the moment. */
static inline bool shares(const struct oak__p *p)
{
    return likely(load_relaxed(&p->alone_until) <= load_relaxed(&oak__sched->coarse_now));
}

/* Has p goroutines for others to run? */
static inline bool shared_backlog(const struct oak__p *p)
{
    return shares(p) && (load_acquire(&p->head) != load_acquire(&p->tail) || !fresh_empty(p));
}

/* More waits on p than its holder runs next: another worker may be of use. */
static inline void share_more(const struct oak__p *p)
{
    oak__light_fence(); /* as in oak__wake_worker */
    if (unlikely(load_seq(&oak__sched->nidle_ps) != 0) && shares(p))
        oak__wake_worker();
}

/* m, holding p, has stolen from victim. */
void oak__share_stolen(struct oak__m *m, struct oak__p *p, struct oak__p *victim);
/* m, holding p, has run dry: judges its last theft. */
void oak__share_judge(struct oak__m *m, struct oak__p *p, int64_t now);
/*
 * By the monitor, again and again: a P that keeps its backlog may have turned to other goroutines. As soon as they run for
 * longer than a migration takes, on average, it shares.
 */
void oak__share_pace(struct oak__p *p, int64_t now);

#endif
