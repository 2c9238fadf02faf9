/* The memory of reports: each in a range of its own. */
#include "leak/report.h"

#include "base/lock.h"

static const size_t most = (size_t)1 << 34;

/* Changed by one store at a time, so that a clone finds it whole at any moment. */
static struct oak_leak_report *_Atomic reports;
static oak__lock reports_lock;

/* Memory that another report has had is touched under the lock only after that one was taken off the list: so there is an
 * order between the two that a race detector, which does not see the raw calls, sees as well. */
struct oak_leak_report *oak__report_new(void)
{
    struct oak__scratch memory;
    if (oak__scratch_init(&memory, most))
        return NULL;
    lock(&reports_lock);
    struct oak_leak_report *r = oak__scratch_alloc(&memory, 1, sizeof *r);
    if (r) {
        r->memory = memory;
        r->next = load_relaxed(&reports);
        store_release(&reports, r);
    }
    unlock(&reports_lock);
    if (!r)
        oak__scratch_free(&memory);
    return r;
}

void oak_leak_report_free(oak_leak_report *r)
{
    if (!r)
        return;
    lock(&reports_lock);
    struct oak_leak_report *at = load_relaxed(&reports);
    if (at == r) {
        store_release(&reports, r->next);
    } else {
        while (at->next != r)
            at = at->next;
        at->next = r->next;
    }
    struct oak__scratch memory = r->memory;
    unlock(&reports_lock);
    oak__scratch_free(&memory);
}

void oak__report_memory_each(void (*fn)(struct oak__span span, void *arg), void *arg)
{
    for (struct oak_leak_report *r = load_acquire(&reports); r; r = r->next) {
        uintptr_t lo = (uintptr_t)r->memory.base;
        fn((struct oak__span){lo, lo + r->memory.size}, arg);
    }
}
