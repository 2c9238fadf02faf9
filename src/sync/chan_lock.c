#include "sync/chan_lock.h"

/*
 * Giving a channel up costs a barrier on all processors: ownership must be worth so many atomic operations. Each time it is
 * taken away it is harder to get: what goes to and fro between processors had better stay a locked channel.
 */
enum { STREAK = 1000, MOST_DISOWNED = 5 };

/*
 * Selects over several channels of the owner are claimed by plain stores as well, through any of them. This one is about
 * to be worked on by others: so no more of that for those who wait here. True: there were such.
 */
static bool not_sole_any_more(struct oak__link *queue)
{
    bool some = false;
    for (struct oak__link *l = queue->next; l && l != queue; l = l->next) {
        struct oak__g *g = container_of(l, struct oak__waiter, link)->g;
        struct oak__waiter *all = load_relaxed(&g->waiters);
        for (uint32_t i = 0; all && i < g->nwaiters; i++) {
            some |= load_relaxed(&all[i].sole);
            store_relaxed(&all[i].sole, false);
        }
    }
    return some;
}

void oak__chan_disown(struct oak__chan *c, struct oak__p *owner)
{
    store_relaxed(&c->owner, NULL);
    oak__inside_wait(owner);
    bool some = not_sole_any_more(&c->senders);
    some |= not_sole_any_more(&c->receivers);
    if (some)
        oak__inside_wait(owner);
    c->last = 0;
    c->streak = 0;
    if (c->disowned < MOST_DISOWNED)
        c->disowned++;
}

void oak__chan_count(struct oak__chan *c, struct oak__p *p)
{
    const uint16_t who = p ? (uint16_t)(p->index + 1) : 0;
    if (who == 0 || who != c->last) {
        c->last = who;
        c->streak = 0;
    } else if (++c->streak >= (uint32_t)STREAK << c->disowned && oak__inside_works()) {
        store_relaxed(&c->owner, p);
    }
}

struct oak__p *oak__chan_first_owner(void)
{
    struct oak__sched *s = oak__sched;
    return s && s->nprocs == 1 && oak__inside_works() ? s->p[0] : NULL;
}
