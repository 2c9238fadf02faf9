/*
 * What did not fit on the stack of pieces.
 *
 * Some shapes need a place for each block: in a list whose nodes refer to the next node and then to a value, all values
 * wait until its end is reached. To have that many places would be a third of such a heap. So the places are few; a block for which there
 * is none is marked and has a bit set, and when the stack is empty, those are looked for and looked at one by one. What
 * is missed then is found in the same round, or in the next.
 */
#include "leak/mark.h"

void oak__mark_miss_block(struct oak__mark *m, const struct oak__block *b)
{
    m->missed = true;
    block_set_missed(b);
}

void oak__mark_miss_stack(struct oak__mark *m, struct oak__node *n)
{
    m->missed = true;
    n->stack_missed = true;
}

static void stacks(struct oak__mark *m)
{
    for (size_t i = 0; i < m->world->nnodes; i++) {
        struct oak__node *n = &m->world->nodes[i];
        if (!n->stack_missed)
            continue;
        n->stack_missed = false;
        oak__mark_push_stack(m, n);
        oak__mark_drain(m);
    }
}

static void large_blocks(struct oak__mark *m)
{
    struct oak__block b;
    for (size_t i = 0; i < m->heap->nlarge; i++) {
        struct oak__large *x = &m->heap->large[i];
        if (!x->missed)
            continue;
        x->missed = false;
        oak__large_block(x, &b);
        oak__mark_look_at(m, &b);
    }
}

/* The block whose header is at granule 2 bit or 2 bit + 1. */
static void look_at_bit(struct oak__mark *m, struct oak__segment *g, size_t bit)
{
    struct oak__block b;
    const size_t granule = 2 * bit + !bit_get(g->starts, 2 * bit);
    oak__segment_block(g, g->lo + (granule + 1) * OAK__GRANULE, &b);
    oak__mark_look_at(m, &b);
}

static void blocks(struct oak__mark *m, struct oak__segment *g)
{
    const size_t words = (g->hi - g->lo) / OAK__GRANULE / 128 + 1;
    for (size_t i = 0; i < words; i++)
        while (g->missed[i]) { /* more of this word may be missed meanwhile */
            const size_t bit = i * 64 + (size_t)__builtin_ctzl(g->missed[i]);
            g->missed[i] &= g->missed[i] - 1;
            look_at_bit(m, g, bit);
        }
}

void oak__mark_missed(struct oak__mark *m)
{
    while (m->missed) {
        m->missed = false;
        stacks(m);
        large_blocks(m);
        for (size_t i = 0; i < m->heap->nsegments; i++)
            blocks(m, &m->heap->segments[i]);
    }
}
