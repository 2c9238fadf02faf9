/* The addresses that mean something to the marker. */
#include "leak/mark.h"
#include "leak/sort.h"

static void add(struct oak__mark *m, uintptr_t lo, uintptr_t hi, enum oak__area_kind kind, size_t index)
{
    if (lo < hi)
        m->areas[m->nareas++] = (struct oak__area){lo, hi, kind, (uint32_t)index};
}

/* A pointer just past a block's end belongs to it: what a block answers for begins and ends 16 bytes later than its
 * chunk. */
static void add_heap(struct oak__mark *m)
{
    const struct oak__heap *h = m->heap;
    for (size_t i = 0; i < h->nsegments; i++)
        add(m, h->segments[i].lo + OAK__GRANULE, h->segments[i].hi + OAK__GRANULE, OAK__AREA_SEGMENT, i);
    for (size_t i = 0; i < h->nlarge; i++)
        add(m, h->large[i].lo + OAK__GRANULE, h->large[i].hi + OAK__GRANULE, OAK__AREA_LARGE, i);
}

int oak__mark_areas(struct oak__mark *m)
{
    const struct oak__tables *t = m->tables;
    size_t n = m->heap->nsegments + m->heap->nlarge + t->nstacks + t->ctx.nchunks;
    m->areas = oak__scratch_alloc(m->scratch, n + 1, sizeof *m->areas);
    if (!m->areas)
        return -ENOMEM;
    add_heap(m);
    for (size_t i = 0; i < t->nstacks; i++)
        add(m, t->stacks[i].lo, t->stacks[i].hi, OAK__AREA_STACKS, i);
    size_t first = 0;
    for (size_t i = 0; i < t->ctx.nchunks; i++) {
        const struct oak__chunk *c = &t->ctx.chunks[i];
        add(m, c->base, c->base + c->n * t->ctx.object_size, OAK__AREA_CONTEXTS, first);
        first += c->n;
    }
    oak__sort(m->areas, m->nareas, sizeof *m->areas);
    if (m->nareas) {
        m->least = m->areas[0].lo;
        m->span = m->areas[m->nareas - 1].hi - m->least;
    }
    return 0;
}

const struct oak__area *oak__mark_area(struct oak__mark *m, uintptr_t p)
{
    const size_t i = oak__sorted_ending_above(m->areas, m->nareas, sizeof *m->areas, p);
    if (i == m->nareas || m->areas[i].lo > p)
        return NULL;
    m->last_area = i;
    return &m->areas[i];
}
