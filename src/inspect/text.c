/* Which addresses hold code: tells a return address from any other word. */
#include "inspect/maps.h"
#include "inspect/walk.h"

#include "base/atomic.h"
#include "base/lock.h"

enum { RANGES = 512 };

/* Rewritten in place, nearly always with what was there before: a reader that meets a change of it may be
 * wrong about one address once. */
static struct {
    oak__lock lock;
    _Atomic uint32_t n;
    struct {
        _Atomic uintptr_t lo, hi;
    } range[RANGES];
} text;

static bool add(const struct oak__map *m, void *arg)
{
    uint32_t *n = arg;
    if (!m->executable)
        return true;
    /* Neighbours are one range: the code of a module may be split by mprotect. */
    if (*n > 0 && load_relaxed(&text.range[*n - 1].hi) == m->lo) {
        store_relaxed(&text.range[*n - 1].hi, m->hi);
        return true;
    }
    store_relaxed(&text.range[*n].lo, m->lo);
    store_relaxed(&text.range[*n].hi, m->hi);
    return ++*n < RANGES;
}

void oak__text_refresh(void)
{
    uint32_t n = 0;
    /* Somebody else is at it (or died at it): what they find will do. */
    if (!try_lock(&text.lock))
        return;
    oak__maps_each(add, &n);
    store_release(&text.n, n);
    unlock(&text.lock);
}

bool oak__text_has(const void *pc)
{
    uintptr_t at = (uintptr_t)pc;
    uint32_t n = load_acquire(&text.n);
    /* No /proc, or more code than the table holds: only the absurd is refused. */
    if (n == 0 || n == RANGES)
        return at >= 4096;
    for (uint32_t i = 0; i < n; i++)
        if (at >= load_relaxed(&text.range[i].lo) && at < load_relaxed(&text.range[i].hi))
            return true;
    return false;
}
