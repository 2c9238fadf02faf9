/*
 * oak_leak_why_live: a check that notes what led to what (trace.h), and who the goroutines are that stand in the chain.
 */
#include "leak/report.h"

#include "inspect/symbol.h"

struct naming {
    struct oak__why_live *w;
    bool found;
};

static void note(struct oak__who *who, const struct oak_goroutine_info *g)
{
    who->known = true;
    who->state = g->state;
    who->reason = g->reason;
    who->has_deadline = g->has_deadline;
    oak__symbol_copy(who->name, sizeof who->name, g->name);
}

static bool has_goroutine(const struct oak__step *s)
{
    return (s->kind == OAK__STEP_GOROUTINE && !s->thread) || s->kind == OAK__STEP_STACK;
}

static bool name_one(const struct oak_goroutine_info *g, void *arg)
{
    struct naming *n = arg;
    struct oak__why_live *w = n->w;
    if (g->id == w->id) {
        note(&w->asked, g);
        n->found = true;
    }
    for (uint32_t i = 0; i < w->chain.n; i++)
        if (has_goroutine(&w->chain.step[i]) && w->chain.step[i].id == g->id)
            note(&w->who[i], g);
    return true;
}

int oak__why_live_fill(struct oak_leak_report *r, const struct oak__results *results, uint64_t id,
                       const struct oak__witness *witness)
{
    struct oak__why_live *w = oak__scratch_alloc(&r->memory, 1, sizeof *w);
    struct naming n = {.w = w};
    if (!w)
        return -ENOMEM;
    w->id = id;
    w->chain = results->chain;
    int64_t visited = witness ? witness->each(name_one, &n, witness->source) : oak_goroutines(name_one, &n);
    if (visited < 0)
        return (int)visited;
    r->why_live = w;
    return n.found || w->chain.alive != OAK__ALIVE_UNKNOWN ? 0 : -ESRCH;
}

const struct oak__leak_entry *oak__why_live_leaked(const struct oak_leak_report *r)
{
    return oak__report_entry(r->entries, r->nleaked, r->why_live->id);
}

int oak_leak_why_live(uint64_t id, FILE *f)
{
    static const struct oak_leak_opts none = {.suspect_after = OAK_FOREVER, .suspect_count = UINT64_MAX};
    oak_leak_report *r = NULL;
    if (!f || !id)
        return -EINVAL;
    int err = oak__leak_check(&none, id, &r);
    if (err)
        return err;
    err = oak__why_live_print(r, f);
    if (!err && oak__why_live_leaked(r))
        err = 1;
    oak_leak_report_free(r);
    return err;
}
