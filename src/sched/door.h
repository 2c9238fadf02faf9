/*
 * The one door for every choice: which ready case, which victim to steal from, who runs next. A deterministic
 * scheduler puts its own function here; without one, choices are random numbers of the thread. Internal.
 */
#ifndef OAK_SCHED_DOOR_H
#define OAK_SCHED_DOOR_H

#include "sched/m.h"

enum oak__choice { OAK__CHOICE_SELECT, OAK__CHOICE_VICTIM };

typedef uint32_t (*oak__choose_fn)(enum oak__choice what, uint32_t n);
extern _Atomic(oak__choose_fn) oak__chooser;

/* wyrand (Wang Yi, 2019): one multiplication; passes BigCrush. */
static inline uint64_t oak__random(struct oak__m *m)
{
    uint64_t x0 = load_relaxed(&m->rng) + 0xa0761d6478bd642full;
    store_relaxed(&m->rng, x0);
    __extension__ typedef unsigned __int128 wide;
    wide x = (wide)x0 * (x0 ^ 0xe7037ed1a0b428dbull);
    return (uint64_t)(x >> 64) ^ (uint64_t)x;
}

/* A number below n (n > 0), uniformly (Lemire's multiply-shift; the bias for n < 2^16 is below 2^-16). */
static inline uint32_t oak__choose(struct oak__m *m, enum oak__choice what, uint32_t n)
{
    oak__choose_fn fn = load_relaxed(&oak__chooser);
    if (unlikely(fn != NULL))
        return fn(what, n);
    return (uint32_t)(((oak__random(m) >> 32) * n) >> 32);
}

#endif
