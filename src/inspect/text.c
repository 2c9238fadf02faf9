/* Which addresses hold code: tells a return address from any other word. */
#include "inspect/maps.h"
#include "inspect/walk.h"

#include "base/atomic.h"
#include "base/lock.h"

#include <link.h>

enum { RANGES = 512, LEAST_CODE = 4096 };

/* Rewritten in place, nearly always with what was there before: a reader that meets a change of it may be
 * wrong about one address once. */
static struct {
    oak__lock lock;
    _Atomic uint32_t n;
    _Atomic uint64_t loaded; /* libraries loaded and unloaded, as of the last look; 0: not known */
    _Atomic bool missed;
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

static int count_loads(struct dl_phdr_info *info, size_t size, void *arg)
{
    if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof info->dlpi_subs)
        *(uint64_t *)arg = (uint64_t)(info->dlpi_adds + info->dlpi_subs);
    return 1; /* each entry says the same */
}

void oak__text_refresh_if_loaded(void)
{
    uint64_t loaded = 0;
    dl_iterate_phdr(count_loads, &loaded);
    if (loaded && loaded == load_relaxed(&text.loaded) && load_relaxed(&text.n))
        return;
    /* First the count, then the look: what is loaded meanwhile is looked at next time. */
    store_relaxed(&text.loaded, loaded);
    oak__text_refresh();
}

bool oak__text_missed(void)
{
    return unlikely(load_relaxed(&text.missed)) && swap_acquire(&text.missed, false);
}

bool oak__text_has(const void *pc)
{
    uintptr_t at = (uintptr_t)pc;
    uint32_t n = load_acquire(&text.n);
    /* No /proc, or more code than the table holds: only the absurd is refused. */
    if (n == 0 || n == RANGES)
        return at >= LEAST_CODE;
    for (uint32_t i = 0; i < n; i++)
        if (at >= load_relaxed(&text.range[i].lo) && at < load_relaxed(&text.range[i].hi))
            return true;
    if (at >= LEAST_CODE && !load_relaxed(&text.missed))
        store_relaxed(&text.missed, true);
    return false;
}
