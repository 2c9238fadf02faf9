/* The goroutines of a moment: their ids alone, so that a mark refers to nothing. */
#include "leak/verify.h"

#include "base/os.h"
#include "sched/sched.h"

#include <string.h>

enum { MAGIC = 0x6f616b6d };

struct oak_leak_mark {
    _Atomic uint32_t magic; /* 0 once freed */
    size_t n, room;
    uint64_t *ids; /* ascending */
};

static bool grow(struct oak_leak_mark *m)
{
    size_t room = m->room ? 2 * m->room : 64;
    uint64_t *ids = oak__malloc(room * sizeof *ids);
    if (!ids)
        return false;
    if (m->n)
        memcpy(ids, m->ids, m->n * sizeof *ids);
    oak__free(m->ids);
    m->ids = ids;
    m->room = room;
    return true;
}

static bool add(const struct oak_goroutine_info *g, void *arg)
{
    struct oak_leak_mark *m = arg;
    if (m->n == m->room && !grow(m))
        return false;
    m->ids[m->n++] = g->id;
    return true;
}

oak_leak_mark *oak_leak_mark_take(void)
{
    struct oak_leak_mark *m = oak__calloc(sizeof *m);
    if (!m)
        return NULL;
    store_relaxed(&m->magic, MAGIC);
    int64_t n = oak_goroutines(add, m);
    if (n < 0 || (size_t)n != m->n) {
        oak_leak_mark_free(m);
        return NULL;
    }
    return m;
}

void oak_leak_mark_free(oak_leak_mark *m)
{
    if (!m)
        return;
    if (!oak__mark_ok(m))
        oak__panic_at(caller_pc(), "%p is no mark, or was freed before", (void *)m);
    store_relaxed(&m->magic, 0);
    oak__free(m->ids);
    oak__free(m);
}

bool oak__mark_ok(const struct oak_leak_mark *m)
{
    return !m || load_relaxed(&((struct oak_leak_mark *)(uintptr_t)m)->magic) == MAGIC;
}

bool oak__mark_has(const struct oak_leak_mark *m, uint64_t id)
{
    size_t lo = 0, hi = m ? m->n : 0;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->ids[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return m && lo < m->n && m->ids[lo] == id;
}
