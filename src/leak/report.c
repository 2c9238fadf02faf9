/*
 * The report: what the clone proved, joined with what the runtime says of each goroutine now, both in order of id. A
 * leaked goroutine stays as it is, so it does not matter that this comes later; one that did go on would have been
 * proven wrongly, and is counted instead of reported.
 */
#include "leak/report.h"

#include "sched/g.h"
#include "sched/park.h"

#define SUSPECT_AFTER OAK_MINUTE

struct filling {
    struct oak_leak_report *r;
    const struct oak__results *results;
    const struct oak__witness *witness;
    size_t at; /* findings before have been joined */
    int64_t suspect_after;
    struct oak__leak_entry *old; /* second round: what the first one found */
    size_t nold;
    int err;
};

struct oak__leak_entry *oak__report_add(struct oak_leak_report *r)
{
    if (r->n == r->room) {
        size_t room = r->room ? 2 * r->room : 64;
        struct oak__leak_entry *more = oak__scratch_alloc(&r->memory, room, sizeof *more);
        if (!more)
            return NULL;
        if (r->n)
            memcpy(more, r->entries, r->n * sizeof *more);
        r->entries = more;
        r->room = room;
    }
    return &r->entries[r->n++];
}

static struct oak__leak_entry *new_entry(struct filling *f, const struct oak_goroutine_info *g,
                                         const struct oak__leak_shape *shape, enum oak_verdict verdict)
{
    struct oak__leak_entry *e = oak__report_add(f->r);
    if (!e)
        return NULL;
    *e = (struct oak__leak_entry){.shape = shape,
                                  .id = g->id,
                                  .parent = g->parent,
                                  .scope = g->scope,
                                  .wait_object = g->wait_object,
                                  .wait_since = g->wait_since,
                                  .verdict = (uint8_t)verdict};
    return e;
}

static void add_finding(struct oak__leak_entry *e, const struct oak__finding *found)
{
    e->g = found->g;
    e->wait = found->wait;
    e->retained = found->retained;
    e->object = found->object;
    e->nothers = found->nothers;
    e->nobjects = found->nobjects;
    e->why = found->why;
    e->in_heap = found->in_heap;
    e->in_context = found->in_context;
    memcpy(e->others, found->others, sizeof e->others);
}

static bool is_still_waiting(const struct oak__finding *found)
{
    /* Descriptors stay readable for ever. */
    struct oak__g *g = (struct oak__g *)found->g;
    return load_acquire(&g->id) == found->id &&
           OAK__W_TICKET(load_acquire(&g->wait)) == OAK__W_TICKET(found->wait);
}

static bool is_old(const struct filling *f, const struct oak_goroutine_info *g)
{
    return f->suspect_after != OAK_FOREVER && g->wait_since && f->r->now - g->wait_since >= f->suspect_after;
}

/* Findings up to id that the runtime does not know any more. */
static void skip_to(struct filling *f, uint64_t id)
{
    for (; f->at < f->results->n && f->results->found[f->at].id < id; f->at++)
        f->r->contradicted++;
}

/* The finding for g, which the runtime says still holds; NULL. */
static const struct oak__finding *finding_of(struct filling *f, const struct oak_goroutine_info *g)
{
    skip_to(f, g->id);
    const struct oak__finding *found = &f->results->found[f->at];
    if (f->at == f->results->n || found->id != g->id)
        return NULL;
    f->at++;
    if (g->state == OAK_STATE_WAITING && (f->witness || is_still_waiting(found)))
        return found;
    f->r->contradicted++;
    return NULL;
}

static bool join(const struct oak_goroutine_info *g, void *arg)
{
    struct filling *f = arg;
    const struct oak__finding *found = finding_of(f, g);
    bool unlimited = oak__waits_without_limit(g);
    if (!found && !unlimited)
        return true;
    struct oak__leak_shape *shape = oak__shape_of(f->r, g);
    struct oak__leak_entry *e = NULL;
    bool old = shape && unlimited && is_old(f, g);
    if (shape && unlimited) {
        shape->blocked++;
        f->r->blocked++;
    }
    if (shape && (found || old))
        e = new_entry(f, g, shape, found ? OAK_LEAKED : OAK_SUSPECT);
    if (e && found)
        add_finding(e, found);
    else if (e)
        e->rules = OAK_SUSPECT_AGE;
    if (!shape || ((found || old) && !e))
        f->err = -ENOMEM;
    return f->err == 0;
}

/* ---- the second round: rules that look at all who block at a place ---- */

static bool keep_old(struct filling *f, uint64_t below)
{
    for (; f->at < f->nold && f->old[f->at].id < below; f->at++) {
        struct oak__leak_entry *e = oak__report_add(f->r);
        if (!e)
            return false;
        *e = f->old[f->at];
    }
    return true;
}

static bool join_again(const struct oak_goroutine_info *g, void *arg)
{
    struct filling *f = arg;
    f->err = keep_old(f, g->id) ? 0 : -ENOMEM;
    struct oak__leak_entry *old = f->at < f->nold && f->old[f->at].id == g->id ? &f->old[f->at] : NULL;
    if (f->err || (old && old->verdict == OAK_LEAKED) || !oak__waits_without_limit(g))
        return f->err == 0;
    const struct oak__leak_shape *shape = oak__shape_of(f->r, g);
    if (shape && old) {
        old->rules |= shape->rules;
    } else if (shape && shape->rules) {
        struct oak__leak_entry *e = new_entry(f, g, shape, OAK_SUSPECT);
        if (e)
            e->rules = shape->rules;
        f->err = e ? 0 : -ENOMEM;
    } else if (!shape) {
        f->err = -ENOMEM;
    }
    return f->err == 0;
}

static int64_t each_goroutine(struct filling *f, bool (*fn)(const struct oak_goroutine_info *g, void *arg))
{
    return f->witness ? f->witness->each(fn, f, f->witness->source) : oak_goroutines(fn, f);
}

static int add_crowds(struct oak_leak_report *r, const struct oak_leak_opts *opts,
                      const struct oak__witness *witness)
{
    bool some;
    int err = oak__suspect_places(r, opts, &some);
    if (err || !some)
        return err;
    struct filling f = {.r = r, .witness = witness, .old = r->entries, .nold = r->n};
    r->entries = NULL;
    r->n = r->room = 0;
    int64_t n = each_goroutine(&f, join_again);
    return n < 0 || f.err || !keep_old(&f, UINT64_MAX) ? -ENOMEM : 0;
}

/* Leaked ones first; else the order stays. */
static int leaked_first(struct oak_leak_report *r)
{
    struct oak__leak_entry *sorted = oak__scratch_alloc(&r->memory, r->n + 1, sizeof *sorted);
    size_t n = 0;
    if (!sorted)
        return -ENOMEM;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < r->n; i++)
            if ((r->entries[i].verdict == OAK_LEAKED) == (pass == 0))
                sorted[n++] = r->entries[i];
        r->nleaked = pass == 0 ? n : r->nleaked;
    }
    r->entries = sorted;
    r->made = oak__scratch_alloc(&r->memory, r->n + 1, sizeof *r->made);
    return r->made ? 0 : -ENOMEM;
}

int oak__report_fill(struct oak_leak_report *r, const struct oak__results *results,
                     const struct oak_leak_opts *opts, const struct oak__witness *witness)
{
    struct filling f = {.r = r,
                        .results = results,
                        .witness = witness,
                        .suspect_after = opts->suspect_after ? opts->suspect_after : SUSPECT_AFTER};
    r->now = witness ? witness->now : oak_now();
    r->goroutines = results->goroutines;
    r->heap_blocks = results->blocks;
    r->bytes = results->bytes;
    r->analysis = results->memory + results->n * sizeof results->found[0];
    r->dropped = results->dropped;
    r->unreadable = results->unreadable;
    r->exact = results->exact;
    r->glibc = results->glibc;
    r->lost = (enum oak__lost)results->lost;
    r->unseen = results->unseen;
    int64_t n = each_goroutine(&f, join);
    if (n < 0 || f.err)
        return -ENOMEM;
    skip_to(&f, UINT64_MAX);
    int err = add_crowds(r, opts, witness);
    if (!err)
        err = leaked_first(r);
    return err ? err : oak__blocks_fill(r, results);
}

struct oak__leak_entry *oak__report_entry(struct oak__leak_entry *e, size_t n, uint64_t id)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (e[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && e[lo].id == id ? &e[lo] : NULL;
}

/* ---- public ---- */

size_t oak_leak_count(const oak_leak_report *r, enum oak_verdict v)
{
    if (!oak__report_ok(r))
        return 0;
    switch (v) {
    case OAK_LEAKED:
        return r->nleaked;
    case OAK_SUSPECT:
        return r->n - r->nleaked;
    case OAK_WAITING_OK:
        return r->goroutines > r->n ? r->goroutines - r->n : 0;
    }
    return 0;
}

static struct oak_leak *make(const oak_leak_report *r, const struct oak__leak_entry *e)
{
    struct oak__scratch *memory = (struct oak__scratch *)(uintptr_t)&r->memory; /* a cache, to the caller */
    struct oak_leak *l = oak__scratch_alloc(memory, 1, sizeof *l);
    if (!l)
        return NULL;
    l->verdict = (enum oak_verdict)e->verdict;
    l->retained = e->retained;
    l->rules = e->rules;
    if (e->shape->place) {
        l->at_place = e->shape->place->n;
        l->at_place_before = e->shape->place->before;
    }
    oak__entry_to_info(e, &l->g);
    oak__why_text(e, r->now, l->why, sizeof l->why);
    return l;
}

const struct oak_leak *oak_leak_at(const oak_leak_report *r, size_t i)
{
    if (!oak__report_ok(r) || i >= r->n)
        return NULL;
    if (!r->made[i])
        r->made[i] = make(r, &r->entries[i]);
    return r->made[i];
}

int64_t oak_leak_pause(const oak_leak_report *r)
{
    return oak__report_ok(r) ? r->pause : 0;
}

int64_t oak_leak_duration(const oak_leak_report *r)
{
    return oak__report_ok(r) ? r->duration : 0;
}

size_t oak_leak_memory(const oak_leak_report *r)
{
    return oak__report_ok(r) ? r->analysis : 0;
}

size_t oak_leak_heap(const oak_leak_report *r)
{
    return oak__report_ok(r) ? r->bytes : 0;
}

bool oak_leak_exact_heap(const oak_leak_report *r)
{
    return oak__report_ok(r) && r->exact;
}
