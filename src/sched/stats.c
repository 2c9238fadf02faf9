/* Looks at the scheduler from outside; see stats.h. */
#include "sched/stats.h"

#include "sched/m.h"
#include "sched/sched.h"

static bool add_region(const void *lo, const void *hi, void *arg)
{
    *(uint64_t *)arg += (uint64_t)((const char *)hi - (const char *)lo);
    return true;
}

void oak__sched_stats(struct oak__sched_stats *out)
{
    *out = (struct oak__sched_stats){.created = 0};
    if (!oak__started())
        return;
    struct oak__sched *s = oak__sched;
    /* Ended before created: what ends meanwhile then makes no negative number of live ones. */
    for (uint32_t i = 0; i < s->nprocs; i++)
        out->ended += load_acquire(&s->p[i]->ended);
    for (uint32_t i = 0; i < s->nprocs; i++)
        out->created += load_relaxed(&s->p[i]->created);
    out->created += load_relaxed(&s->thread_created);
    out->procs = s->nprocs;
    out->threads = load_relaxed(&s->nthreads) + 1; /* the monitor */
    out->stack_bytes = oak__stack_bytes();
    oak__runtime_regions(add_region, &out->descriptor_bytes);
}

/* The M may be a new one, whose first contents nobody has told us of. */
__attribute__((no_sanitize("thread"))) bool oak__g_has_p(const struct oak__g *g)
{
    const struct oak__m *m = load_relaxed(&g->m);
    return m && load_relaxed(&m->own) != OAK__OWN_NONE && load_relaxed(&m->p) != NULL;
}

const void *oak__g_stack_hi(const struct oak__g *g)
{
    return g->stack_lo ? g->stack_lo + oak__stack_usable(g->stack_class) : NULL;
}

/* Who parked the goroutine has passed its stack on by switching, which to the thread sanitizer orders nothing. */
SCHEDULER_STEP void oak__g_saved_frame(const void *sp, const void **pc, const void **fp)
{
    const void *const *word = sp;
    *pc = word[OAK__SWITCH_PC];
    *fp = word[OAK__SWITCH_FRAME];
}
