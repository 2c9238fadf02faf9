/*
 * Goroutines that have not run yet, in the order in which they were made: a list for each P.
 *
 * They cost a descriptor, no stack. A program that starts more than it can run at once is best served by running the newest
 * first: a tree of goroutines is then walked in depth, with a stack for each level instead of one for each leaf, and what
 * was just written is still in the cache. So that nobody waits for ever, a P takes some of the oldest each millisecond, and
 * one from here after a number of others.
 *
 * The holder of P works on its list in sections (inside.h), or under the lock where these do not work. A thief takes the
 * lock, says so in `thief`, and waits for the section in progress: then the holder takes the lock as well. Thieves take
 * from the oldest, which have the most work behind them.
 *
 * Linked by g->next (to the older) and g->newer, which is NULL again when g leaves the list: it lies where a running goroutine
 * has its chain of defers. Internal to sched.
 */
#ifndef OAK_SCHED_FRESH_H
#define OAK_SCHED_FRESH_H

#include "sched/inside.h"

enum { OAK__FRESH_AT_A_TIME = 8 };
#define OAK__FRESH_EVERY OAK_MILLISECOND

/* True: by the lock. */
static inline bool fresh_hold(struct oak__p *p)
{
    if (oak__inside_works()) {
        oak__inside_begin(p);
        /* Acquire: a section that finds no thief any more sees what the last one has left. */
        if (likely(!load_acquire(&p->fresh.thief)))
            return false;
        oak__inside_end(p);
    }
    lock(&p->fresh.lock);
    return true;
}

static inline void fresh_release(struct oak__p *p, bool locked)
{
    if (unlikely(locked))
        unlock(&p->fresh.lock);
    else
        oak__inside_end(p);
}

static inline bool fresh_empty(const struct oak__p *p)
{
    return load_relaxed(&p->fresh.count) == 0;
}

/* The rest: by the holder of p, entered, in no section. */

SCHEDULER_STEP static inline void fresh_push(struct oak__p *p, struct oak__g *g)
{
    bool locked = fresh_hold(p);
    struct oak__g *newest = p->fresh.newest;
    store_relaxed(&g->next, newest);
    g->newer = NULL;
    if (newest)
        newest->newer = g;
    else
        p->fresh.oldest = g;
    p->fresh.newest = g;
    store_relaxed(&p->fresh.count, load_relaxed(&p->fresh.count) + 1);
    fresh_release(p, locked);
}

/* NULL: there is none. */
SCHEDULER_STEP static inline struct oak__g *fresh_pop(struct oak__p *p)
{
    if (fresh_empty(p))
        return NULL;
    bool locked = fresh_hold(p);
    struct oak__g *g = p->fresh.newest;
    if (likely(g != NULL)) {
        struct oak__g *older = load_relaxed(&g->next);
        p->fresh.newest = older;
        if (older)
            older->newer = NULL;
        else
            p->fresh.oldest = NULL;
        store_relaxed(&p->fresh.count, load_relaxed(&p->fresh.count) - 1);
    }
    fresh_release(p, locked);
    return g;
}

/* The oldest, for one of those that are due. */
struct oak__g *oak__fresh_oldest(struct oak__p *p);

/* Is it the turn of one of the oldest? now: the coarse clock. */
SCHEDULER_STEP static inline bool fresh_due(struct oak__p *p, int64_t now)
{
    if (unlikely(now - p->fresh.since >= OAK__FRESH_EVERY)) {
        p->fresh.since = now;
        p->fresh.quota = OAK__FRESH_AT_A_TIME;
    }
    return p->fresh.quota != 0;
}

/* Some of victim's oldest move to thief; one of them is returned. */
struct oak__g *oak__fresh_steal(struct oak__p *thief, struct oak__p *victim);

#endif
