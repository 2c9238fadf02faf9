/*
 * oak_leak_reclaim.
 *
 * A goroutine that has been proven leaked stays so: nobody who can run reaches what it waits for. All that is left to make
 * sure is that it is the same goroutine in the same wait, and that nobody else wakes it meanwhile (one that has been given
 * back may do so in its deferred calls). The claim decides both: tickets of a descriptor are never used again.
 *
 * First all are claimed, then all are woken: so each of a ring returns -ECANCELED, and not what its neighbour's clean-up
 * sends it.
 */
#include "leak/report.h"

#include "sched/inside.h"
#include "sched/park.h"

enum { NOT_CHOSEN, CHOSEN, CLAIMED };

static void choose_all(oak_leak_report *r, bool (*choose)(const struct oak_leak *l, void *arg), void *arg)
{
    for (size_t i = 0; i < r->nleaked; i++) {
        const struct oak_leak *l = choose ? oak_leak_at(r, i) : NULL;
        r->entries[i].reclaim = !choose || (l && choose(l, arg)) ? CHOSEN : NOT_CHOSEN;
    }
}

/* Waits that only their object may end are left to it. masked was written before the wait word was, and stands still as
 * long as the claim that follows finds that word. */
static bool may_be_cancelled(struct oak__g *g, const struct oak__leak_entry *e)
{
    uint64_t w = load_acquire(&g->wait);
    return load_acquire(&g->id) == e->id && OAK__W_TICKET(w) == OAK__W_TICKET(e->wait) &&
           load_relaxed(&g->reason) != OAK_WAIT_SCOPE && !load_relaxed(&g->masked);
}

/*
 * One that was given back before may just now be sending, in its deferred calls, to another of the report: a P that has their
 * channel to itself claims by plain stores, unless it sees that somebody looks (sched/inside.h).
 */
static int64_t claim_all(oak_leak_report *r)
{
    int64_t n = 0;
    oak__looking_begin();
    for (size_t i = 0; i < r->nleaked; i++) {
        struct oak__leak_entry *e = &r->entries[i];
        struct oak__g *g = (struct oak__g *)e->g;
        if (e->reclaim != CHOSEN || !may_be_cancelled(g, e) || !oak__wait_claim(g, OAK__W_TICKET(e->wait)))
            continue;
        e->reclaim = CLAIMED;
        n++;
    }
    oak__looking_end();
    return n;
}

static void wake_all(oak_leak_report *r)
{
    for (size_t i = 0; i < r->nleaked; i++) {
        if (r->entries[i].reclaim != CLAIMED)
            continue;
        struct oak__g *g = (struct oak__g *)r->entries[i].g;
        oak__reclaim(g);
        oak__enter();
        oak__wait_wake(g, -ECANCELED);
        oak__exit();
    }
}

int64_t oak_leak_reclaim(oak_leak_report *r, bool (*choose)(const struct oak_leak *l, void *arg), void *arg)
{
    if (!oak__report_ok(r))
        return -EINVAL;
    choose_all(r, choose, arg);
    int64_t n = claim_all(r);
    wake_all(r);
    return n;
}
