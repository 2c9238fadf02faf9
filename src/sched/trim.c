/*
 * Gives back what a deep call once touched of a stack whose goroutine has been parked for long.
 *
 * Everything below a parked goroutine's stack pointer is dead. The monitor holds the goroutine (park.h: HELD, nobody can wake it
 * meanwhile), discards the whole pages below, and lets go; once for each wait. It looks at some descriptors at a time, so
 * that a million parked goroutines cost it next to nothing.
 */
#include "sched/trim.h"
#include "sched/inside.h"
#include "sched/park.h"

static const int64_t PARKED_FOR = OAK_SECOND;
enum { LOOK_AT = 1000, RED_ZONE = 256 };

static struct {
    size_t next; /* descriptor to go on with */
    bool young;  /* this pass met some that are not parked for long enough yet */
} pass;

static void trim_held(struct oak__g *g)
{
    uintptr_t page = oak__os_page_size();
    uintptr_t dead = ((uintptr_t)g->sp - RED_ZONE) / page * page;
    uintptr_t lo = (uintptr_t)g->stack_lo;
    if (dead > lo)
        oak__os_discard(g->stack_lo, dead - lo);
}

static void look_at(struct oak__g *g, int64_t now)
{
    uint64_t w = load_acquire(&g->wait);
    if (load_relaxed(&g->status) != OAK__G_WAITING || OAK__W_PHASE(w) != OAK__W_PARKED)
        return;
    if (load_relaxed(&g->trimmed) == (uint32_t)OAK__W_TICKET(w))
        return;
    if (now - load_relaxed(&g->wait_since) < PARKED_FOR) {
        pass.young = true;
        return;
    }
    if (!oak__wait_hold(g))
        return;
    trim_held(g);
    store_relaxed(&g->trimmed, (uint32_t)OAK__W_TICKET(load_relaxed(&g->wait)));
    oak__wait_release(g);
}

/* True: there is more to come back for. */
static bool trim_some(int64_t now)
{
    for (int i = 0; i < LOOK_AT; i++) {
        struct oak__g *g = oak__slab_at(&oak__g_slab, pass.next);
        if (!g) {
            bool again = pass.young;
            pass.next = 0;
            pass.young = false;
            return again;
        }
        pass.next++;
        look_at(g, now);
    }
    return true;
}

bool oak__trim_parked(int64_t now)
{
    oak__looking_begin();
    bool more = trim_some(now);
    oak__looking_end();
    return more;
}
