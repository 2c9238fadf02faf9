/*
 * Sections in which a P has something to itself: an atomic operation's worth of exclusion for the price of plain stores.
 *
 * Channels that one P alone uses (sync/chan_lock.h) and waits that one object alone can end (park.h) are worked on without
 * compare-and-swap. What makes that safe is the asymmetric barrier (base/lock.h) once more:
 *
 *      the P, in its section                    who wants to interfere
 *      p->inside: even -> odd                   changes the guard (the channel's owner, oak__lookers)
 *      light fence                              heavy fence
 *      looks at the guard; works                waits while p->inside is the odd number that it saw
 *      p->inside: odd -> even (release)         (acquire) works
 *
 * Either the section sees the changed guard, or the other side sees the section and waits for its end, and sees what was
 * done in it. A section is some tens of instructions; it takes no lock, parks nobody but by the switch that ends it,
 * runs no call-back and does not nest. It is the holder's, who is entered: so the P stays. models/bias.pml.
 *
 * Lookers are those who take parked goroutines' stacks for a look (oak__wait_hold), and those who claim waits that are not their
 * object's (reclaim). While there is one, every claim is a compare-and-swap.
 *
 * Internal: src/sched, src/sync, src/inspect and src/leak may include it.
 */
#ifndef OAK_SCHED_INSIDE_H
#define OAK_SCHED_INSIDE_H

#include "sched/m.h"

/* Sections are of use where the light fence costs nothing; a race detector does not understand them. */
static inline bool oak__inside_works(void)
{
    return !OAK_TSAN && oak__asymmetric;
}

/* Only where sections work: the light fence is a compiler's. */
static inline void oak__inside_begin(struct oak__p *p)
{
    store_relaxed(&p->inside, load_relaxed(&p->inside) + 1);
    compiler_barrier();
}

static inline void oak__inside_end(struct oak__p *p)
{
    store_release(&p->inside, load_relaxed(&p->inside) + 1);
}

/* After a guard was changed: p's section of before, if it is in one, has ended. Not in a section of one's own. */
void oak__inside_wait(struct oak__p *p);

extern _Atomic uint32_t oak__lookers;
/* Around any number of oak__wait_hold, and of claims by who has not the object. Any thread, not in a section; spins a moment. */
void oak__looking_begin(void);
void oak__looking_end(void);
/* For a process that comes to its end, perhaps from within a section, where nothing may be waited for long. */
void oak__looking_begin_dying(void);

#endif
