#include "sched/fresh.h"

enum { MOST_STOLEN = 128 };

/* The oldest, or NULL. The caller has the list to himself. */
SCHEDULER_STEP static struct oak__g *take_oldest(struct oak__p *p)
{
    struct oak__g *g = p->fresh.oldest;
    if (!g)
        return NULL;
    p->fresh.oldest = g->newer;
    if (g->newer)
        store_relaxed(&g->newer->next, NULL);
    else
        p->fresh.newest = NULL;
    g->newer = NULL; /* the chain of defers, from here on */
    store_relaxed(&p->fresh.count, load_relaxed(&p->fresh.count) - 1);
    return g;
}

SCHEDULER_STEP struct oak__g *oak__fresh_oldest(struct oak__p *p)
{
    p->fresh.quota--;
    bool locked = fresh_hold(p);
    struct oak__g *g = take_oldest(p);
    fresh_release(p, locked);
    return g;
}

SCHEDULER_STEP struct oak__g *oak__fresh_steal(struct oak__p *thief, struct oak__p *victim)
{
    struct oak__g *batch[MOST_STOLEN];
    uint32_t n = 0;
    if (fresh_empty(victim))
        return NULL;
    lock(&victim->fresh.lock);
    if (oak__inside_works()) {
        store_relaxed(&victim->fresh.thief, true);
        oak__inside_wait(victim);
    }
    uint32_t half = (load_relaxed(&victim->fresh.count) + 1) / 2;
    while (n < half && n < MOST_STOLEN && (batch[n] = take_oldest(victim)))
        n++;
    store_release(&victim->fresh.thief, false);
    unlock(&victim->fresh.lock);
    for (uint32_t i = n; i-- > 1;)
        fresh_push(thief, batch[i]);
    return n ? batch[0] : NULL;
}
