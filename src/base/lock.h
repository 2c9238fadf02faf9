/*
 * The runtime's own lock: for sections of some tens of instructions. Never held across a park.
 *
 * Locking is one compare-and-swap, unlocking one plain store. A locker that does not get it spins a little,
 * then counts itself among the sleepers and sleeps on the futex while the word is 1:
 *
 *      unlocker                                 sleeper
 *      word = 0                                 sleepers += 1
 *      light fence                              heavy fence
 *      sleepers != 0 ?  wake one                word == 1 ?  sleep (the kernel looks again)
 *
 * One of the two sees the other. The heavy fence is membarrier(2), so the unlocker pays nothing; where that
 * does not work both sides use a full fence. Acquire on lock pairs with the release store of unlock.
 * models/lock.pml.
 *
 * The sleepers are not counted in the lock but in a table, by a hash of its address: the store to the word is
 * the unlocker's last touch of the lock, and whoever locks next may free the memory that it lies in (a
 * channel, a wait group, a scope on a stack). Locks that share a place in the table cost each other a wake-up
 * that finds nobody, no more.
 */
#ifndef OAK_BASE_LOCK_H
#define OAK_BASE_LOCK_H

#include "base/atomic.h"
#include "base/common.h"

typedef struct oak__lock {
    _Atomic uint32_t word; /* 1: held */
} oak__lock;

enum { OAK__LOCK_SLEEPERS = 64 };
extern _Atomic uint32_t oak__lock_sleepers[OAK__LOCK_SLEEPERS];

static inline _Atomic uint32_t *lock_sleepers(const oak__lock *l)
{
    uintptr_t a = (uintptr_t)l;
    return &oak__lock_sleepers[(a >> 4 ^ a >> 12) % OAK__LOCK_SLEEPERS];
}

/* Set once, before main: membarrier(2) works, light fences cost nothing. */
extern bool oak__asymmetric;

void oak__lock_slow(oak__lock *l);
void oak__unlock_slow(oak__lock *l);

/*
 * One half of a store-load pair whose other half calls oak__heavy_fence(): orders what is before it, as the
 * other side sees it, against what is after. Free when membarrier works, a full fence otherwise.
 */
static inline void oak__light_fence(void)
{
    if (likely(oak__asymmetric))
        compiler_barrier();
    else
        fence_seq();
}

void oak__heavy_fence(void);

static inline bool try_lock(oak__lock *l)
{
    uint32_t free_word = 0;
    return cas_acquire(&l->word, &free_word, 1);
}

static inline void lock(oak__lock *l)
{
    if (unlikely(!try_lock(l)))
        oak__lock_slow(l);
}

static inline void unlock(oak__lock *l)
{
    store_release(&l->word, 0);
    oak__light_fence();
    if (unlikely(load_relaxed(lock_sleepers(l))))
        oak__unlock_slow(l);
}

#endif
