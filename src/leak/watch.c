/*
 * The periodic check: a thread of its own that sleeps, checks, calls back.
 *
 * One thread and one state word, so there are never two checks at once however long one takes:
 *
 *   STOPPED --start--> RUNNING --stop--> STOPPING --the thread, at its end--> STOPPED
 *
 * start and stop move the word by compare-and-swap (acquire-release), the thread stores STOPPED (release): who starts next
 * sees what the last thread left. The options and the thread's own fields are touched by the starter before the thread is
 * made, and by the thread. Counters are atomics of the thread alone. Nothing here is locked, so a child of fork finds
 * nothing locked; what is left there of the word says nothing (oak__forked does).
 */
#include "leak/report.h"

#include "base/os.h"
#include "sched/fork.h"
#include "sched/m.h"
#include "sched/sched.h"

#include <oakum/watch.h>

enum state { STOPPED, RUNNING, STOPPING };

#define USUAL_INTERVAL OAK_MINUTE

static _Atomic uint32_t state; /* also a futex: for the thread to stop, for stop to end */
static struct oak_leak_watch_opts opts;
static _Atomic int thread_id;
static oak_leak_report *last; /* of the check before */

static struct {
    _Atomic uint64_t checks, failed, proven_total, proven, suspects;
    _Atomic int64_t last_pause, longest_pause, last_duration;
    _Atomic int last_error;
} counts;

/* Goroutines proven now and not before; both are in order of id. */
static uint64_t newly_proven(const oak_leak_report *now, const oak_leak_report *before)
{
    uint64_t n = 0;
    size_t k = 0;
    for (size_t i = 0; i < now->nleaked; i++) {
        while (before && k < before->nleaked && before->entries[k].id < now->entries[i].id)
            k++;
        n += !before || k == before->nleaked || before->entries[k].id != now->entries[i].id;
    }
    return n;
}

static void count(const oak_leak_report *r)
{
    store_relaxed(&counts.proven_total, load_relaxed(&counts.proven_total) + newly_proven(r, last));
    store_relaxed(&counts.proven, r->nleaked);
    store_relaxed(&counts.suspects, r->n - r->nleaked);
    store_relaxed(&counts.last_pause, r->pause);
    if (r->pause > load_relaxed(&counts.longest_pause))
        store_relaxed(&counts.longest_pause, r->pause);
    store_relaxed(&counts.last_duration, r->duration);
    store_release(&counts.checks, load_relaxed(&counts.checks) + 1);
}

static void check(void)
{
    oak_leak_report *r;
    opts.check.before = last;
    int err = oak_leak_check(&opts.check, &r);
    if (err) {
        store_relaxed(&counts.last_error, err);
        store_release(&counts.failed, load_relaxed(&counts.failed) + 1);
        return;
    }
    count(r);
    oak__report_drop(last);
    last = r;
    r->lent = true;
    if (opts.fn)
        opts.fn(r, opts.arg);
}

/* False when it is time to stop. */
static bool wait_interval(void)
{
    int64_t now = oak_now();
    const int64_t until = opts.interval > OAK_FOREVER - 1 - now ? OAK_FOREVER - 1 : now + opts.interval;
    while (load_acquire(&state) == RUNNING && oak_now() < until)
        oak__os_futex_wait(&state, RUNNING, until);
    return load_acquire(&state) == RUNNING;
}

static void *watch(void *own)
{
    oak__m_take(own);
    store_relaxed(&thread_id, oak__os_gettid());
    while (wait_interval())
        check();
    store_relaxed(&thread_id, 0);
    oak__m_give_back(own);
    store_release(&state, STOPPED);
    oak__os_futex_wake(&state, INT32_MAX);
    return NULL;
}

static bool change(enum state from, enum state to)
{
    uint32_t expected = from;
    return cas_seq(&state, &expected, to);
}

int oak_leak_watch_start(const struct oak_leak_watch_opts *wanted)
{
    static const struct oak_leak_watch_opts usual;
    const struct oak_leak_watch_opts *o = wanted ? wanted : &usual;
    if (o->interval < 0 || o->check.suspect_after < 0)
        return -EINVAL;
    int err = oak__start();
    if (err)
        return err;
    if (!change(STOPPED, STOPPING)) /* ours, until there is a thread */
        return -EALREADY;
    opts = *o;
    if (!opts.interval)
        opts.interval = USUAL_INTERVAL;
    store_release(&state, RUNNING);
    struct oak__m *own = oak__m_new();
    err = own ? oak__os_thread(watch, own, "oakum-leaks") : -ENOMEM;
    if (err) {
        if (own)
            oak__m_drop(own);
        store_release(&state, STOPPED);
        oak__os_futex_wake(&state, INT32_MAX);
    }
    return err;
}

int oak_leak_watch_stop(void)
{
    if (load_relaxed(&oak__forked) || !change(RUNNING, STOPPING))
        return -ESRCH;
    oak__os_futex_wake(&state, INT32_MAX);
    if (load_relaxed(&thread_id) == oak__os_gettid())
        return 0;
    oak_blocking {
        while (load_acquire(&state) == STOPPING)
            oak__os_futex_wait(&state, STOPPING, OAK_FOREVER);
    }
    return 0;
}

int oak_leak_watch_stats(struct oak_leak_watch_stats *out)
{
    if (!out)
        return -EINVAL;
    *out = (struct oak_leak_watch_stats){
        .running = !load_relaxed(&oak__forked) && load_acquire(&state) == RUNNING,
        .checks = load_acquire(&counts.checks),
        .failed = load_acquire(&counts.failed),
        .proven_total = load_relaxed(&counts.proven_total),
        .proven = load_relaxed(&counts.proven),
        .suspects = load_relaxed(&counts.suspects),
        .last_pause = load_relaxed(&counts.last_pause),
        .longest_pause = load_relaxed(&counts.longest_pause),
        .last_duration = load_relaxed(&counts.last_duration),
        .last_error = load_relaxed(&counts.last_error),
    };
    return 0;
}
