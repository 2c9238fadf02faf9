/* What leaked goroutines retain, and who of them refers to what others wait for. */
#include "leak/mark.h"

void oak__mark_refers(struct oak__mark *m, uintptr_t unit)
{
    uint32_t i = oak__mark_unit_wait(m, unit);
    if (!i)
        return;
    struct oak__referrers *r = &m->referrers[i - 1];
    r->in_heap = r->in_heap || m->in_heap;
    if (r->n && r->n <= OAK__REFERRERS && r->node[r->n - 1] == m->collecting)
        return;
    if (r->n < OAK__REFERRERS)
        r->node[r->n] = m->collecting;
    r->n++;
}

void oak__mark_collect(struct oak__mark *m, const struct oak__block *b, bool before)
{
    if (block_waited(b))
        oak__mark_refers(m, b->lo);
    if (before) {
        oak__dominators_again(m->dominators, m->heap, b, m->from);
        return;
    }
    m->retained += b->hi - b->lo;
    oak__dominators_found(m->dominators, m->heap, b, m->from);
}

uint64_t oak__mark_retained(struct oak__mark *m, uint32_t node)
{
    struct oak__node *n = &m->world->nodes[node];
    m->collecting = node + 1;
    m->retained = 0;
    m->from = 0;
    oak__dominators_clear(m->dominators);
    m->in_heap = false;
    oak__mark_push_stack(m, n);
    for (uint32_t i = 0; i < n->nwaits; i++)
        oak__mark_word(m, m->world->waits[n->first_wait + i].object);
    oak__mark_finish(m);
    m->collecting = 0;
    return m->retained;
}
