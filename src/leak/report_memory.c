/* The memory of reports: each in a range of its own. */
#include "leak/report.h"

#include "base/lock.h"
#include "sched/sched.h"

/* Address space: for an entry, whatever hangs on it, and growing; and for the first ones. */
enum { A_GOROUTINE = 16 << 10, LEAST = 256 << 20 };

/* Changed by one store at a time, so that a clone finds it whole at any moment. */
static struct oak_leak_report *_Atomic reports;
static oak__lock reports_lock;

/* Memory that another report has had is touched under the lock only after that one was taken off the list: so there is an
 * order between the two that a race detector, which does not see the raw calls, sees as well. */
struct oak_leak_report *oak__report_new(uint64_t goroutines)
{
    struct oak__scratch memory;
    if (oak__scratch_init(&memory, LEAST + goroutines * A_GOROUTINE))
        return NULL;
    lock(&reports_lock);
    struct oak_leak_report *r = oak__scratch_alloc(&memory, 1, sizeof *r);
    if (r) {
        r->memory = memory;
        store_relaxed(&r->next, load_relaxed(&reports));
        store_release(&reports, r);
    }
    unlock(&reports_lock);
    if (!r)
        oak__scratch_free(&memory);
    return r;
}

/* Under the lock: where the pointer to r is; NULL: r is no report. */
static struct oak_leak_report *_Atomic *find(const oak_leak_report *r)
{
    struct oak_leak_report *at = load_relaxed(&reports);
    if (at == r)
        return &reports;
    while (at && at->next != r)
        at = load_relaxed(&at->next);
    return at ? &at->next : NULL;
}

bool oak__report_ok(const oak_leak_report *r)
{
    lock(&reports_lock);
    bool found = r && find(r);
    unlock(&reports_lock);
    return found;
}

/* 0; -EINVAL: there is no such report; -EPERM: it is lent, and anyway says no. */
static int drop(oak_leak_report *r, bool anyway)
{
    struct oak__scratch memory;
    lock(&reports_lock);
    struct oak_leak_report *_Atomic *at = find(r);
    int err = !at ? -EINVAL : r->lent && !anyway ? -EPERM : 0;
    if (!err) {
        store_release(at, load_relaxed(&r->next));
        memory = r->memory;
    }
    unlock(&reports_lock);
    if (!err)
        oak__scratch_free(&memory);
    return err;
}

void oak__report_drop(oak_leak_report *r)
{
    if (r)
        (void)drop(r, true);
}

void oak_leak_report_free(oak_leak_report *r)
{
    int err = r ? drop(r, false) : 0;
    if (err == -EPERM)
        oak__panic_at(caller_pc(), "report %p is the watch's, which frees it itself", (void *)r);
    if (err)
        oak__panic_at(caller_pc(), "%p is no report, or was freed before", (void *)r);
}

void oak__report_memory_each(void (*fn)(struct oak__span span, void *arg), void *arg)
{
    for (struct oak_leak_report *r = load_acquire(&reports); r; r = load_acquire(&r->next)) {
        uintptr_t lo = (uintptr_t)r->memory.base;
        fn((struct oak__span){lo, lo + r->memory.size}, arg);
    }
}
