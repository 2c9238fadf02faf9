/*
 * oak_leak_check: a frozen copy of the process, the analysis in it, and the report from what it found.
 */
#include "leak/analysis.h"
#include "leak/freeze.h"
#include "leak/kernel.h"
#include "leak/own.h"
#include "leak/plants.h"
#include "leak/raw.h"
#include "leak/report.h"
#include "leak/shared.h"
#include "base/os.h"
#include "inspect/symbol.h"
#include "sched/sched.h"
#include "sched/stats.h"
#include "stack/away.h"

#include <oakum/sync.h>

/* By the clock, on a busy machine too. A sanitizer's own memory is looked at as well: ten times as much and more. */
#define LIMIT ((OAK_ASAN || OAK_TSAN ? 10 : 1) * OAK_MINUTE)
enum { SPARE = 4096, DONE = 0x6f616b21 };

/* One check. The first part is used before the clone is made, the second in it. */
struct check {
    struct oak__freeze freeze;
    struct oak__results *results; /* shared with the clone */
    size_t results_size;
    struct oak__plants plants;
    struct oak__scratch scratch; /* of the process: to look at the arenas' locks */
    struct oak__own own;
    struct oak__arenas arenas;
    uint64_t why_live; /* 0: a check as usual */
    struct oak__kernel kernel;
    struct oak__shared shared;
    int err;
};

/* One at a time, in all of the process. */
static oak_mutex one_at_a_time;

static struct oak__span results_at(const struct check *c)
{
    const uintptr_t lo = (uintptr_t)c->results;
    return (struct oak__span){lo, lo + c->results_size};
}

/* ---- in the clone ---- */

static int analyse_own(struct check *c, struct oak__scratch *s)
{
    struct oak__own own;
    struct oak__tables tables;
    const uintptr_t before = (uintptr_t)c->scratch.base, copy = (uintptr_t)c->shared.copy;
    const struct oak__span ours[] = {
        results_at(c), {before, before + c->scratch.size}, {copy, copy + c->shared.size}};
    int err = oak__own_open(&own, s, true);
    if (!err)
        err = oak__freeze_threads(&own.img, s);
    if (!err)
        err = oak__own_tables(&tables, &own.img, s, ours, countof(ours));
    if (!err)
        err = oak__shared_show(&c->shared, &own.img, s, &tables, ours, countof(ours));
    if (err)
        return err;
    own.img.kept = c->kernel.words;
    own.img.nkept = c->kernel.nwords;
    if (own.img.hidden || c->kernel.hidden) {
        c->results->lost = OAK__LOST_IN_KERNEL;
        return 0;
    }
    oak__freeze_guard_reads(&own.img);
    struct oak__subject subject = {.img = &own.img, .tables = &tables, .scratch = s, .why_live = c->why_live};
    oak__plants_list(&c->plants, subject.plants);
    err = oak__analyse(&subject, c->results);
    c->results->unseen = own.img.unseen;
    c->results->unreadable = own.img.nullified;
    return err;
}

static int in_clone(void *arg)
{
    struct check *c = arg;
    struct oak__scratch scratch;
    c->results->lost = oak__freeze_lost_memory() ? OAK__LOST_MEMORY : OAK__LOST_NOTHING;
    int err = oak__scratch_init(&scratch, oak__scratch_for(oak__freeze_mapped()));
    if (!err && !c->results->lost)
        err = analyse_own(c, &scratch);
    c->results->memory = oak__scratch_resident(&scratch);
    c->results->done = err ? 0 : DONE;
    return err ? -err & 63 : 0;
}

/* ---- in the process ---- */

/* No thread is inside malloc: all arenas are as they should be. Nor is a stack just coming back. */
static bool all_at_rest(void *arg)
{
    struct check *c = arg;
    return oak__away_at_rest() && (!c->arenas.bins || oak__arenas_busy(&c->own.img, &c->arenas) == 0);
}

/* What a clone does not have as it was at that moment. */
static void read_what_moves(void *arg)
{
    struct check *c = arg;
    oak__kernel_read(&c->kernel);
    oak__shared_copy(&c->shared);
}

static int prepare(struct check *c)
{
    struct oak__sched_stats now;
    oak__sched_stats(&now);
    size_t room = (size_t)(now.created - now.ended) + SPARE;
    c->results_size = round_up(sizeof *c->results + room * sizeof c->results->found[0], oak__os_page_size());
    void *p = mmap(NULL, c->results_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED)
        return -ENOMEM;
    c->results = p;
    c->results->room = room;
    int err = oak__scratch_init(&c->scratch, oak__scratch_small());
    if (!err)
        err = oak__own_open(&c->own, &c->scratch, false);
    if (!err)
        oak__arenas_find(&c->own.img, &c->arenas);
    if (!err)
        err = oak__kernel_find(&c->kernel, &c->scratch, 0);
    const struct oak__span ours = results_at(c);
    return err ? err : oak__shared_prepare(&c->shared, &c->own.img, &c->scratch, &ours, 1);
}

static void clean_up(struct check *c)
{
    oak__own_close(&c->own);
    oak__shared_free(&c->shared);
    oak__kernel_close(&c->kernel);
    oak__scratch_free(&c->scratch);
    if (c->results)
        munmap(c->results, c->results_size);
}

/* On a deep stack: a thread's own, with the P given away. */
static void run(void *arg)
{
    struct check *c = arg;
    oak__scrub_stack();
    /* Before the mappings are read: this may be the thread's first malloc, which makes an arena. */
    oak__plants_sow(&c->plants);
    c->err = prepare(c);
    if (c->err) {
        oak__plants_pull(&c->plants);
        return;
    }
    c->freeze = (struct oak__freeze){
        .fn = in_clone, .arg = c, .good_moment = all_at_rest, .last_thing = read_what_moves, .limit = LIMIT};
    oak__scrub_stack(); /* of the bounds of all mappings: a large block ends where the next one begins */
    c->err = oak__freeze_run(&c->freeze);
    if (!c->err && c->results->done != DONE)
        c->err = c->freeze.status == ENOMEM ? -ENOMEM : -EIO;
    oak__plants_pull(&c->plants);
}

static int make_report(struct check *c, const struct oak_leak_opts *opts, oak_leak_report **out)
{
    oak_leak_report *r = oak__report_new(c->results->goroutines);
    if (!r)
        return -ENOMEM;
    r->pause = c->freeze.pause;
    r->duration = c->freeze.duration;
    int err = oak__report_fill(r, c->results, opts, NULL);
    if (!err && c->why_live)
        err = oak__why_live_fill(r, c->results, c->why_live, NULL);
    if (err)
        oak_leak_report_free(r);
    else
        *out = r;
    return err;
}

static int check_alone(const struct oak_leak_opts *opts, uint64_t why_live, oak_leak_report **out)
{
    struct check *c = oak__calloc(sizeof *c);
    if (!c)
        return -ENOMEM;
    c->own.pagemap = -1;
    c->why_live = why_live;
    oak__on_deep_stack(run, c);
    int err = c->err;
    if (!err)
        err = make_report(c, opts, out);
    clean_up(c);
    oak__free(c);
    return err;
}

/* The caller's context is masked: whoever has been cancelled may ask, too. */
static NOINLINE int check_one_at_a_time(const struct oak_leak_opts *opts, uint64_t why_live,
                                        oak_leak_report **out)
{
    int err = oak__start();
    if (err)
        return err;
    struct oak_ctx *masked = oak__leak_mask();
    err = oak_mutex_lock(&one_at_a_time);
    if (!err) {
        err = check_alone(opts, why_live, out);
        oak_mutex_unlock(&one_at_a_time);
    }
    oak__leak_unmask(masked);
    return err;
}

struct oak_ctx *oak__leak_mask(void)
{
    struct oak__g *g = oak__enter();
    struct oak_ctx *masked = g ? oak__ctx_mask(g) : NULL;
    oak__exit();
    return masked;
}

void oak__leak_unmask(struct oak_ctx *masked)
{
    struct oak__g *g = oak__enter();
    if (g)
        oak__ctx_unmask(g, masked);
    oak__exit();
}

int oak__leak_check(const struct oak_leak_opts *opts, uint64_t why_live, oak_leak_report **out)
{
    oak__scrub_stack();
    int err = check_one_at_a_time(opts, why_live, out);
    oak__scrub_stack();
    return err;
}

int oak_leak_check(const struct oak_leak_opts *opts, oak_leak_report **out)
{
    static const struct oak_leak_opts usual;
    if (!out)
        return -EINVAL;
    *out = NULL;
    if (opts && (opts->suspect_after < 0 || (opts->before && !oak__report_ok(opts->before))))
        return -EINVAL;
    return oak__leak_check(opts ? opts : &usual, 0, out);
}
