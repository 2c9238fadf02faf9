/*
 * The runtime's own lock: a word, for sections of some tens of instructions. Never held across a park.
 *
 *   0 free, 1 held, 2 held and somebody sleeps on it.
 * Acquire on lock pairs with release on unlock. A waiter spins a little, then marks the word 2 and sleeps on
 * the futex; whoever unlocks a 2 wakes one. (The classic three-state futex mutex, Drepper, "Futexes Are
 * Tricky", mutex2.)
 */
#ifndef OAK_BASE_LOCK_H
#define OAK_BASE_LOCK_H

#include "base/atomic.h"
#include "base/common.h"

typedef struct oak__lock {
    _Atomic uint32_t word;
} oak__lock;

void oak__lock_slow(oak__lock *l);
void oak__unlock_slow(oak__lock *l);

static inline void lock(oak__lock *l)
{
    uint32_t free_word = 0;
    if (unlikely(!cas_acquire(&l->word, &free_word, 1)))
        oak__lock_slow(l);
}

static inline bool try_lock(oak__lock *l)
{
    uint32_t free_word = 0;
    return cas_acquire(&l->word, &free_word, 1);
}

static inline void unlock(oak__lock *l)
{
    if (unlikely(swap_release(&l->word, 0) == 2))
        oak__unlock_slow(l);
}

#endif
