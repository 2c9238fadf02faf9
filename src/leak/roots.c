#include "leak/roots.h"
#include "leak/sort.h"

static void look_at(void *arg, uintptr_t lo, uintptr_t hi)
{
    oak__mark_range(arg, lo, hi);
}

/* Everything that is no root, sorted. */
struct except {
    struct oak__span *span;
    size_t n;
    size_t first; /* those before lie below the mappings still to come */
};

static void add(struct except *e, uintptr_t lo, uintptr_t hi)
{
    if (lo < hi)
        e->span[e->n++] = (struct oak__span){lo, hi};
}

static void add_all(struct except *e, const struct oak__span *spans, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add(e, spans[i].lo, spans[i].hi);
}

static int collect(struct oak__mark *m, struct except *e)
{
    const struct oak__tables *t = m->tables;
    const struct oak__heap *h = m->heap;
    size_t most = t->nskip + t->nquiet + t->nstacks + h->nsegments + h->nlarge + h->nbooks + m->world->ndead;
    *e = (struct except){.n = 0};
    e->span = oak__scratch_alloc(m->scratch, most + 1, sizeof *e->span);
    if (!e->span)
        return -ENOMEM;
    add_all(e, t->skip, t->nskip);
    add_all(e, t->quiet, t->nquiet);
    add_all(e, m->world->dead, m->world->ndead);
    add_all(e, h->books, h->nbooks);
    for (size_t i = 0; i < t->nstacks; i++)
        add(e, t->stacks[i].lo, t->stacks[i].hi);
    for (size_t i = 0; i < h->nsegments; i++)
        add(e, h->segments[i].lo, h->segments[i].hi);
    for (size_t i = 0; i < h->nlarge; i++)
        add(e, h->large[i].lo, h->large[i].hi);
    oak__sort(e->span, e->n, sizeof *e->span);
    return 0;
}

/* The parts of a mapping that are in no exception. */
static void look_between(struct oak__mark *m, const struct oak__mapping *map, struct except *e)
{
    uintptr_t at = map->lo;
    while (e->first < e->n && e->span[e->first].hi <= at)
        e->first++;
    for (size_t i = e->first; i < e->n && at < map->hi; i++) {
        if (e->span[i].hi <= at)
            continue;
        if (e->span[i].lo >= map->hi)
            break;
        if (e->span[i].lo > at)
            oak__image_pages(m->img, map, at, e->span[i].lo, look_at, m);
        at = e->span[i].hi;
    }
    if (at < map->hi)
        oak__image_pages(m->img, map, at, map->hi, look_at, m);
}

int oak__mark_roots(struct oak__mark *m)
{
    struct except e;
    int err = collect(m, &e);
    if (err)
        return err;
    for (size_t i = 0; i < m->img->nmaps; i++)
        if (m->img->maps[i].local && !(m->img->maps[i].flags & OAK__MAP_KERNEL))
            look_between(m, &m->img->maps[i], &e);
    oak__mark_kept(m);
    return 0;
}
