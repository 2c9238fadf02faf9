/*
 * The units in which the marker thinks, the heap's blocks and goroutines' stacks, and who waits for what lies in each.
 *
 * A wait is not told its unit, which is found again by the object's address when it is asked for: a million of them
 * would be 8 MB more.
 */
#include "leak/mark.h"

enum { BYTES_A_PLACE = 4096, LEAST_PLACES = 4096 };

uintptr_t oak__mark_unit_of(const struct oak__mark *m, uintptr_t object)
{
    struct oak__block b;
    size_t region, slot;
    struct oak__span bounds;
    if (oak__heap_block(m->heap, object, &b))
        return b.lo;
    if (oak__stack_slot(m->tables, object, &region, &slot, &bounds) && m->world->owners[region].node[slot])
        return bounds.lo;
    return 0;
}

/* Of a wait that is entered: its unit; it is found reached (by being free, or by lying elsewhere) or not. Tells marking to
 * look out for it. */
static uintptr_t watch_unit(struct oak__mark *m, uintptr_t object, bool *reached)
{
    struct oak__block b;
    const uintptr_t unit = oak__mark_unit_of(m, object);
    *reached = !unit;
    if (oak__heap_block(m->heap, object, &b)) {
        *reached = block_marked(&b);
        block_set_waited(&b);
    }
    return unit;
}

uint32_t oak__mark_unit_wait(const struct oak__mark *m, uintptr_t unit)
{
    uint32_t i = m->waits_of[mark_hash(m, unit)];
    while (i && oak__mark_unit_of(m, m->world->waits[i - 1].object) != unit)
        i = m->world->waits[i - 1].next;
    return i;
}

static void enter_waits(struct oak__mark *m)
{
    for (uint32_t i = 0; i < m->world->nwaits; i++) {
        struct oak__wait *x = &m->world->waits[i];
        bool reached;
        const uintptr_t unit = watch_unit(m, x->object, &reached);
        x->reached = reached;
        if (!unit)
            continue;
        size_t slot = mark_hash(m, unit);
        x->next = m->waits_of[slot];
        m->waits_of[slot] = i + 1;
    }
}

/* A place is 24 bytes: 0.6% of the heap, unless that is small. */
static size_t places_for(const struct oak__heap *h)
{
    const size_t n = h->bytes / BYTES_A_PLACE < LEAST_PLACES ? LEAST_PLACES : h->bytes / BYTES_A_PLACE;
    return n < oak__mark_most_pieces ? n : oak__mark_most_pieces;
}

int oak__mark_init(struct oak__mark *m, struct oak__image *img, struct oak__heap *heap,
                   const struct oak__tables *tables, struct oak__world *world, struct oak__scratch *s)
{
    *m = (struct oak__mark){.img = img,
                            .heap = heap,
                            .tables = tables,
                            .world = world,
                            .scratch = s,
                            .most_pieces = places_for(heap)};
    size_t slots = 64;
    while (slots < world->nwaits / 2)
        slots *= 2;
    m->waits_mask = slots - 1;
    m->waits_of = oak__scratch_alloc(s, slots, sizeof *m->waits_of);
    m->pieces = oak__scratch_alloc(s, m->most_pieces + 1, sizeof *m->pieces);
    m->referrers = oak__scratch_alloc(s, world->nwaits + 1, sizeof *m->referrers);
    if (!m->waits_of || !m->pieces || !m->referrers)
        return -ENOMEM;
    int err = oak__mark_areas(m);
    if (!err)
        enter_waits(m);
    return err;
}

int oak__mark_trace(struct oak__mark *m, struct oak__trace *t)
{
    const size_t units = m->heap->blocks + 2 * m->world->nnodes + m->world->nctxs;
    int err = oak__trace_init(t, m->scratch, units);
    /* Nothing is missed, or what is noted would not be shortest. Roots are pieces, too; should they be more than fit, the
     * later ones' ways are not. */
    m->most_pieces = units + oak__mark_most_pieces;
    m->pieces = oak__scratch_alloc(m->scratch, m->most_pieces + 1, sizeof *m->pieces);
    m->trace = t;
    return err || m->pieces ? err : -ENOMEM;
}
