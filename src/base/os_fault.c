/*
 * Fault injection: a test says that the nth call of a kind fails, and sees what the library makes of it. It
 * is in every build, because a release build is what has to survive; unarmed it costs one load of a shared
 * word.
 */
#include "base/lock.h"
#include "base/os.h"

static struct plan {
    int after, times, err;
    int calls;
} plans[OAK__FAULT_COUNT];
static oak__lock plans_lock;
static _Atomic uint32_t armed; /* bit per kind with calls left to fail */

void oak__fault_set(enum oak__fault kind, int after, int times, int err)
{
    uint32_t bit = 1u << kind;
    lock(&plans_lock);
    plans[kind] = (struct plan){after, times, err, 0};
    uint32_t others = load_relaxed(&armed) & ~bit;
    store_relaxed(&armed, times > 0 ? others | bit : others);
    unlock(&plans_lock);
}

static COLD int hit_slow(enum oak__fault kind)
{
    int err = 0;
    lock(&plans_lock);
    struct plan *p = &plans[kind];
    p->calls += p->times > 0;
    if (p->times > 0 && p->after-- <= 0) {
        err = -p->err;
        if (--p->times == 0)
            store_relaxed(&armed, load_relaxed(&armed) & ~(1u << kind));
    }
    unlock(&plans_lock);
    return err;
}

int oak__fault_calls(enum oak__fault kind)
{
    lock(&plans_lock);
    int n = plans[kind].calls;
    unlock(&plans_lock);
    return n;
}

int oak__fault_hit(enum oak__fault kind)
{
    return likely(!(load_relaxed(&armed) & 1u << kind)) ? 0 : hit_slow(kind);
}
