/* See reads.h. */
#include "sync/reads.h"
#include "sched/sched.h"

struct oak__slab oak__reads_slab = OAK__SLAB("read locks held", struct oak__reads);

static struct oak__reads *table(const struct oak__g *g)
{
    return g->reads & 1 ? (struct oak__reads *)(g->reads & ~(uintptr_t)1) : NULL;
}

static struct oak__reads *make_table(struct oak__g *g)
{
    oak__enter();
    struct oak__reads *t = oak__slab_alloc(&oak__reads_slab);
    oak__exit();
    if (t) {
        t->locks[0] = (const void *)g->reads;
        g->reads = (uintptr_t)t | 1;
    }
    return t;
}

static void free_table(struct oak__g *g, struct oak__reads *t)
{
    g->reads = 0;
    oak__enter();
    oak__slab_free(&oak__reads_slab, t);
    oak__exit();
}

static NOINLINE bool add_to_table(struct oak__g *g, const void *lock)
{
    struct oak__reads *t = table(g);
    if (!t && !(t = make_table(g)))
        return false;
    for (int i = 0; i < OAK__READS; i++)
        if (!t->locks[i]) {
            t->locks[i] = lock;
            return true;
        }
    return false;
}

bool oak__reads_add(struct oak__g *g, const void *lock)
{
    if (g->reads)
        return add_to_table(g, lock);
    g->reads = (uintptr_t)lock;
    return true;
}

static NOINLINE bool remove_from_table(struct oak__g *g, const void *lock)
{
    struct oak__reads *t = table(g);
    bool found = false, empty = true;
    for (int i = 0; t && i < OAK__READS; i++) {
        if (!found && t->locks[i] == lock) {
            t->locks[i] = NULL;
            found = true;
        }
        empty = empty && !t->locks[i];
    }
    if (found && empty)
        free_table(g, t);
    return found;
}

bool oak__reads_remove(struct oak__g *g, const void *lock)
{
    if (g->reads != (uintptr_t)lock)
        return remove_from_table(g, lock);
    g->reads = 0;
    return true;
}

void oak__reads_clear(struct oak__g *g)
{
    struct oak__reads *t = table(g);
    g->reads = 0;
    if (t)
        free_table(g, t);
}

const void *oak__reads_at(const struct oak__g *g, int i)
{
    const struct oak__reads *t = table(g);
    if (!t)
        return i == 0 ? (const void *)g->reads : NULL;
    for (int k = 0; k < OAK__READS; k++)
        if (t->locks[k] && i-- == 0)
            return t->locks[k];
    return NULL;
}
