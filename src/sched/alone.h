/*
 * Alone: with one P and no plain thread at work, who is entered has every word of every object to himself.
 *
 * A program on one processor pays for atomic operations that exclude nobody. So while the runtime has one P and no plain
 * thread has used an object yet, goroutines change the words of locks and wait groups by plain stores, entered. The first
 * plain thread that comes ends that for good:
 *
 *      goroutine                                plain thread
 *      entered = 1                              company: ALONE -> COMING
 *      light fence                              heavy fence
 *      company == ALONE ?  plain stores         waits until the holder of the P is not entered
 *      entered = 0 (release)                    (acquire) company = HERE; atomic operations
 *
 * Either the goroutine sees that company comes, or the thread sees it entered and waits, and sees what was stored then. A
 * goroutine that has lost its P gets one first (oak__enter). Before the runtime has been started nobody is alone: a plain
 * thread that uses objects then makes that HERE. models/alone.pml.
 *
 * Internal: src/sched and src/sync may include it.
 */
#ifndef OAK_SCHED_ALONE_H
#define OAK_SCHED_ALONE_H

#include "sched/inline.h"

enum oak__company { OAK__COMPANY_UNKNOWN = 0, OAK__COMPANY_NONE, OAK__COMPANY_COMING, OAK__COMPANY_HERE };
extern _Atomic uint8_t oak__company;

/* The runtime starts with so many Ps. */
void oak__company_decide(uint32_t nprocs);
/* From here on nobody is alone. Not entered. */
void oak__company_comes(void);

/*
 * True: g, the caller, is entered, and alone until oak__exit. False: not entered; words are changed by atomic operations.
 */
static inline bool oak__alone_enter(const struct oak__g *g)
{
    if (likely(load_acquire(&oak__company) == OAK__COMPANY_HERE))
        return false;
    if (unlikely(!g || g->kind == OAK__G_THREAD)) { /* no g: a plain thread without memory for a stand-in */
        oak__company_comes();
        return false;
    }
    (void)oak__enter_inline();
    if (likely(load_relaxed(&oak__company) == OAK__COMPANY_NONE))
        return true;
    oak__exit_inline();
    return false;
}

#endif
