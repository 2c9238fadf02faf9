/*
 * Compact mode: the thread that puts away the stacks of goroutines that are parked for long (stack/away.h says how).
 *
 * It goes over all descriptors, some at a time, and rests twice as long as each step took: a third of a processor at
 * most, and none once everything is away. To the leak proof it is a part of the scheduler, as the monitor is: what it has
 * in its frames and registers is no reference. It needs nothing that could be refused while it runs but records, and then stacks stay.
 */
#include "sched/compact.h"
#include "sched/m.h"
#include "sched/sched.h"
#include "sched/trim.h"
#include "stack/away.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_AT = 256, LAZIEST = 8 };
static const int64_t REST_LEAST = 20 * OAK_MICROSECOND;
static const int64_t PASS_LEAST = OAK_MILLISECOND;
static const int64_t PASS_MOST = 250 * OAK_MILLISECOND;

static _Atomic int64_t parked_for = OAK_FOREVER;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool running; /* written under the mutex */

/* One pass; true when there was something to do, or will soon be. */
static bool pass(struct oak__trim *t)
{
    bool more;
    t->compact =
        oak__faults_ours(); /* a program that has taken our handlers away must not fall into guards */
    t->young = false;
    t->done = 0;
    do {
        int64_t begin = oak__os_now();
        more = oak__trim_parked(t, begin);
        int64_t rest = 2 * (oak__os_now() - begin);
        oak__os_sleep(rest > REST_LEAST ? rest : REST_LEAST);
    } while (more);
    return t->young || t->done;
}

static int64_t between_passes(int64_t after)
{
    int64_t d = after / 4;
    return d < PASS_LEAST ? PASS_LEAST : d > PASS_MOST ? PASS_MOST : d;
}

static void *compactor(void *arg)
{
    struct oak__m *m = arg;
    oak__tls_m = m;
    m->tid = oak__os_gettid();
    m->scheduler = true;
    oak__note_stack(m, __builtin_frame_address(0));
    struct oak__trim t = {.look_at = LOOK_AT};
    for (int64_t lazy = 1;;) {
        t.parked_for = load_relaxed(&parked_for);
        lazy = pass(&t) ? 1 : lazy < LAZIEST ? lazy * 2 : lazy;
        oak__os_sleep(between_passes(t.parked_for) * lazy);
    }
    return NULL;
}

bool oak__compacting(void)
{
    return load_relaxed(&running);
}

static int begin(void)
{
    if (!oak__faults_ours())
        return -EBUSY;
    int err = oak__away_begin();
    if (err)
        return err;
    struct oak__m *m = oak__slab_alloc(&oak__m_slab);
    if (!m)
        return -ENOMEM;
    err = oak__os_thread(compactor, m, "oakum-compact");
    if (err) {
        oak__slab_free(&oak__m_slab, m);
        return err;
    }
    fetch_add_relaxed(&oak__sched->nthreads, 1);
    oak__stack_compactable();
    store_relaxed(&running, true);
    return 0;
}

int oak_compact(int64_t after)
{
    if (after < 0)
        return -EINVAL;
    int err = oak__start();
    if (err)
        return err;
    pthread_mutex_lock(&one_at_a_time);
    if (!load_relaxed(&running))
        err = begin();
    if (!err)
        store_relaxed(&parked_for, after);
    pthread_mutex_unlock(&one_at_a_time);
    return err;
}

/* "1": a second; a number with a unit; -1: neither. */
static int64_t duration(const char *text)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"us", OAK_MICROSECOND}, {"ms", OAK_MILLISECOND}, {"s", OAK_SECOND}, {"m", OAK_MINUTE}};
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || n < 0 || n > 1000000)
        return -1;
    if (*end == '\0')
        return n == 1 ? OAK_SECOND : -1;
    for (size_t i = 0; i < countof(units); i++)
        if (strcmp(end, units[i].name) == 0)
            return n * units[i].ns;
    return -1;
}

void oak__compact_from_environment(void)
{
    const char *env = getenv("OAK_COMPACT");
    if (!env || !*env || strcmp(env, "0") == 0)
        return;
    int64_t after = duration(env);
    int err = after < 0 ? -EINVAL : oak_compact(after);
    if (err)
        dprintf(STDERR_FILENO, "oakum: OAK_COMPACT=%s: %s; parked stacks stay in memory\n", env,
                err == -EINVAL ? "neither 1 nor a time such as 250ms"
                : err == -ENOTSUP
                    ? "not with this kernel or build (it takes Linux 6.13, userfaultfd, no sanitizer)"
                : err == -EBUSY ? "the program handles SIGSEGV or SIGBUS itself"
                                : strerror(-err));
}
