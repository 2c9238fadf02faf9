/*
 * Gives back what a deep call once touched of a stack whose goroutine has been parked for long, or, in compact mode (compact.c), puts
 * the whole stack away.
 *
 * Everything below a parked goroutine's stack pointer is dead. The monitor holds the goroutine (park.h: HELD, nobody can wake it
 * meanwhile), discards the whole pages below, and lets go; once for each wait. It looks at some descriptors at a time, so
 * that a million parked goroutines cost it next to nothing.
 */
#include "sched/trim.h"
#include "sched/inside.h"
#include "sched/park.h"
#include "stack/away.h"

enum { RED_ZONE = 256 };

static void trim_held(struct oak__g *g)
{
    uintptr_t page = oak__os_page_size();
    uintptr_t dead = ((uintptr_t)g->sp - RED_ZONE) / page * page;
    uintptr_t lo = (uintptr_t)g->stack_lo;
    if (dead > lo)
        oak__os_discard(g->stack_lo, dead - lo);
}

/* Held. The kernel reads and writes buffers of goroutines that wait for I/O: their pages must be there. */
static bool put_away(struct oak__g *g)
{
    if (load_relaxed(&g->reason) == OAK_WAIT_IO || !oak__away_put(g->stack_lo, g->sp))
        return false;
    g->sp = NULL; /* who resumes it will notice: give_stack in run.c */
    return true;
}

/* Whether there may be something to do for g in this wait. An sp of NULL: it was put away, but may have come back since. */
static bool is_new(const struct oak__trim *t, struct oak__g *g, uint64_t wait)
{
    return load_relaxed(&g->trimmed) != (uint32_t)OAK__W_TICKET(wait) ||
           (t->compact && oak__away_is_back(g->stack_lo));
}

static void look_at(struct oak__trim *t, struct oak__g *g, int64_t now)
{
    uint64_t w = load_acquire(&g->wait);
    if (load_relaxed(&g->status) != OAK__G_WAITING || OAK__W_PHASE(w) != OAK__W_PARKED || !is_new(t, g, w))
        return;
    if (now - load_relaxed(&g->wait_since) < t->parked_for) {
        t->young = true;
        return;
    }
    if (!oak__wait_hold(g))
        return;
    if (t->compact && put_away(g))
        t->done++;
    else if (g->sp)
        trim_held(g);
    store_relaxed(&g->trimmed, (uint32_t)OAK__W_TICKET(load_relaxed(&g->wait)));
    oak__wait_release(g);
}

/* True: there is more to come back for. */
static bool trim_some(struct oak__trim *t, int64_t now)
{
    for (int i = 0; i < t->look_at; i++) {
        struct oak__g *g = oak__slab_at(&oak__g_slab, t->next);
        if (!g) {
            t->next = 0;
            return false;
        }
        t->next++;
        look_at(t, g, now);
    }
    return true;
}

bool oak__trim_parked(struct oak__trim *t, int64_t now)
{
    oak__looking_begin();
    bool more = trim_some(t, now);
    oak__looking_end();
    return more;
}
