/*
 * Run queues: a bounded ring for each P and one global list.
 *
 * Ring. Only the holder of P pushes (at tail) and so only it writes tail; holder and thieves both take at
 * head, by compare-and-swap. Slots [head, tail) hold goroutines. The release store of tail publishes the slot
 * it covers to thieves, who load tail with acquire; the release CAS of head tells the holder, who loads head
 * with acquire before it reuses a slot, that the thief has read it. A thief whose CAS fails has read slots
 * that were taken by another: it drops what it copied.
 *
 * Internal: only src/sched may include it.
 */
#ifndef OAK_SCHED_RUNQ_H
#define OAK_SCHED_RUNQ_H

#include "sched/fresh.h"

/* The ring is full: moves half of it and g to the global queue. False: a thief made room meanwhile. */
bool oak__ring_spill(struct oak__p *p, struct oak__g *g, uint32_t h, uint32_t t);
/* Half of victim's ring moves to thief's, which is empty; one of them is returned. */
struct oak__g *oak__ring_steal(struct oak__p *thief, struct oak__p *victim);

/* All that is queued at p, which nobody holds, moves to the global queue. */
void oak__runq_give_up(struct oak__p *p);

static inline void oak__ring_push(struct oak__p *p, struct oak__g *g)
{
    for (;;) {
        uint32_t h = load_acquire(&p->head);
        uint32_t t = load_relaxed(&p->tail);
        if (likely(t - h < OAK__RING)) {
            store_relaxed(&p->ring[t % OAK__RING], g);
            store_release(&p->tail, t + 1);
            return;
        }
        if (oak__ring_spill(p, g, h, t))
            return;
    }
}

static inline struct oak__g *oak__ring_pop(struct oak__p *p)
{
    uint32_t h = load_acquire(&p->head);
    for (;;) {
        if (h == load_relaxed(&p->tail))
            return NULL;
        struct oak__g *g = load_relaxed(&p->ring[h % OAK__RING]);
        if (oak__sched->nprocs == 1) { /* no thieves */
            store_release(&p->head, h + 1);
            return g;
        }
        if (cas_release(&p->head, &h, h + 1))
            return g;
    }
}

/* How many timers may fire, so that those that they wake find room, and some more: none when it is not worth beginning. */
static inline int oak__ring_room(struct oak__p *p)
{
    uint32_t used = load_relaxed(&p->tail) - load_acquire(&p->head);
    return used <= OAK__RING / 2 ? (int)(OAK__RING - OAK__RING / 8 - used) : 0;
}

static inline bool oak__runq_empty(struct oak__p *p)
{
    return load_acquire(&p->head) == load_acquire(&p->tail) && !load_relaxed(&p->next) && fresh_empty(p);
}

void oak__global_push(struct oak__g *g);
/* A list linked by next, n long. Under no lock. */
void oak__global_push_list(struct oak__g *head, struct oak__g *tail, uint32_t n);
/* A fair share of the global queue, at most max: one is returned, the others go to p's ring. Takes sched.lock. */
struct oak__g *oak__global_pop(struct oak__p *p, uint32_t max);

#endif
