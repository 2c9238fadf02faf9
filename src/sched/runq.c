/* Run queues: what is not on the hot path. The rules are in runq.h. */
#include "sched/runq.h"
#include "sched/inline.h"

NOINLINE bool oak__ring_spill(struct oak__p *p, struct oak__g *g, uint32_t h, uint32_t t)
{
    uint32_t n = (t - h) / 2;
    struct oak__g *batch[OAK__RING / 2 + 1];
    for (uint32_t i = 0; i < n; i++)
        batch[i] = load_relaxed(&p->ring[(h + i) % OAK__RING]);
    if (!cas_release(&p->head, &h, h + n))
        return false;
    batch[n] = g;
    for (uint32_t i = 0; i < n; i++)
        store_relaxed(&batch[i]->next, batch[i + 1]);
    oak__global_push_list(batch[0], g, n + 1);
    return true;
}

struct oak__g *oak__ring_steal(struct oak__p *thief, struct oak__p *victim)
{
    uint32_t t = load_relaxed(&thief->tail);
    uint32_t h = load_acquire(&victim->head);
    for (;;) {
        uint32_t n = load_acquire(&victim->tail) - h;
        n -= n / 2;
        if (n == 0)
            return NULL;
        if (n > OAK__RING / 2) { /* head and tail were read apart in time */
            h = load_acquire(&victim->head);
            continue;
        }
        struct oak__g *last = NULL;
        for (uint32_t i = 0; i < n; i++) {
            last = load_relaxed(&victim->ring[(h + i) % OAK__RING]);
            store_relaxed(&thief->ring[(t + i) % OAK__RING], last);
        }
        if (!cas_release(&victim->head, &h, h + n))
            continue;
        if (n > 1)
            store_release(&thief->tail, t + n - 1);
        return last;
    }
}

void oak__global_push_list(struct oak__g *head, struct oak__g *tail, uint32_t n)
{
    struct oak__sched *s = oak__sched;
    store_relaxed(&tail->next, NULL);
    lock(&s->lock);
    if (s->global_tail)
        store_relaxed(&s->global_tail->next, head);
    else
        s->global_head = head;
    s->global_tail = tail;
    store_release(&s->global_count, load_relaxed(&s->global_count) + n);
    unlock(&s->lock);
}

void oak__global_push(struct oak__g *g)
{
    oak__global_push_list(g, g, 1);
}

static struct oak__g *global_take(struct oak__sched *s)
{
    struct oak__g *g = s->global_head;
    s->global_head = load_relaxed(&g->next);
    if (!s->global_head)
        s->global_tail = NULL;
    return g;
}

struct oak__g *oak__global_pop(struct oak__p *p, uint32_t max)
{
    struct oak__sched *s = oak__sched;
    if (load_relaxed(&s->global_count) == 0)
        return NULL;
    lock(&s->lock);
    uint32_t count = load_relaxed(&s->global_count);
    uint32_t n = count / s->nprocs + 1;
    uint32_t room = OAK__RING / 2;
    n = n > count ? count : n;
    n = n > max ? max : n;
    n = n > room ? room : n;
    struct oak__g *batch[OAK__RING / 2];
    for (uint32_t i = 0; i < n; i++)
        batch[i] = global_take(s);
    store_release(&s->global_count, count - n);
    unlock(&s->lock);
    for (uint32_t i = 1; i < n; i++) {
        fetch_to_run(batch[i]);
        oak__ring_push(p, batch[i]);
    }
    return n ? batch[0] : NULL;
}

void oak__runq_give_up(struct oak__p *p)
{
    struct oak__g *g = load_relaxed(&p->next);
    store_relaxed(&p->next, NULL);
    do
        if (g)
            oak__global_push(g);
    while ((g = oak__ring_pop(p)) || (g = fresh_pop(p)));
}
