/* Starting the runtime, the main goroutine, and what the program's environment says. */
#include "poll/poll.h"
#include "sched/compact.h"
#include "sched/door.h"
#include "sched/event.h"
#include "sched/fork.h"
#include "sched/m.h"
#include "sched/alone.h"
#include "sched/sched.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct oak__sched *oak__sched;
_Atomic(oak__event_fn) oak__event_listener;
_Atomic(oak__choose_fn) oak__chooser;

static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool started;
_Atomic bool oak__runs;

bool oak__started(void)
{
    return load_acquire(&started);
}

/* Ps wanted: OAK_PROCS if it is a number from 1 to 256, else what the machine and the cgroup allow. */
static uint32_t procs_wanted(void)
{
    const char *env = getenv("OAK_PROCS");
    if (env && *env) {
        char *end;
        long n = strtol(env, &end, 10);
        if (*end == '\0' && n >= 1 && n <= OAK__MAX_PROCS)
            return (uint32_t)n;
        dprintf(STDERR_FILENO,
                "oakum: OAK_PROCS=%s is not a number from 1 to %d; using the number of processors\n", env,
                OAK__MAX_PROCS);
    }
    int n = oak__os_cpus();
    return n < 1 ? 1 : n > OAK__MAX_PROCS ? OAK__MAX_PROCS : (uint32_t)n;
}

static bool make_ps(struct oak__sched *s, int64_t now)
{
    static char *mem;
    size_t size = round_up(sizeof(struct oak__p), 128);
    if (!s->nprocs)
        s->nprocs = procs_wanted();
    if (!mem && !(mem = oak__runtime_alloc(size * s->nprocs)))
        return false;
    for (uint32_t i = 0; i < s->nprocs; i++) {
        struct oak__p *p = s->p[i] = (struct oak__p *)(mem + size * i);
        p->index = i;
        oak__wheel_init(&p->wheel, now);
    }
    return true;
}

/* The first worker and the monitor; again where an earlier attempt has failed. */
static int start_threads(void)
{
    static bool worker;
    struct oak__m *m = oak__m_new();
    if (!m)
        return -ENOMEM;
    int err = worker ? 0 : oak__first_worker();
    worker = worker || !err;
    if (!err)
        err = oak__os_thread(oak__monitor, m, "oakum-monitor");
    if (err)
        oak__m_drop(m);
    return err;
}

/* Room for stacks, and one of them, so that nobody waits for a first one that cannot be had. */
static bool have_stacks(void)
{
    char *first = oak__stack_capacity() ? oak__stack_get_class(OAK__STACK_DEFAULT) : NULL;
    if (first)
        oak__stack_put_class(OAK__STACK_DEFAULT, first);
    return first != NULL;
}

/* What an attempt that failed has got is for the next one: this memory cannot be given back. */
static int start_locked(void)
{
    static struct oak__sched *made;
    if (load_relaxed(&started))
        return 0;
    struct oak__sched *s = oak__sched;
    if (!s) {
        if (!have_stacks())
            return -ENOMEM;
        if (!made)
            made = oak__runtime_alloc(sizeof *made);
        s = made;
        int64_t now = oak__os_now();
        if (!s || !make_ps(s, now))
            return -ENOMEM;
        oak__wheel_init(&s->thread_wheel, now);
        store_relaxed(&s->coarse_now, now);
        store_relaxed(&s->ids, 1);
        int err = oak__poll_init();
        if (err)
            return err;
        /* Release: a plain thread that is about to wait may find it before anything was started. */
        __atomic_store_n(&oak__sched, s, __ATOMIC_RELEASE);
        oak__company_decide(s->nprocs);
        for (uint32_t i = s->nprocs; i-- > 0;)
            oak__idle_p_put(s->p[i]);
        oak__faults_init();
        oak__fork_init();
        oak__leakcheck_init();
    }
    int err = start_threads();
    if (!err) {
        store_release(&started, true);
        store_release(&oak__runs, !load_relaxed(&oak__forked));
    }
    return err;
}

int oak__start(void)
{
    if (likely(load_acquire(&started)))
        return unlikely(load_relaxed(&oak__forked)) ? -EAGAIN : 0;
    pthread_mutex_lock(&start_lock);
    bool first = !load_relaxed(&started);
    int err = start_locked();
    pthread_mutex_unlock(&start_lock);
    if (first && !err)
        oak__compact_from_environment();
    return err;
}

int oak_procs(void)
{
    return oak__start() ? 1 : (int)oak__sched->nprocs;
}

struct main_call {
    int (*app)(int, char **);
    int argc;
    char **argv;
    int result;
    _Atomic uint32_t *done;
};

static int main_entry(void *args)
{
    struct main_call *c = *(struct main_call **)args;
    c->result = c->app(c->argc, c->argv);
    if (unlikely(load_relaxed(&oak__forked)))
        oak__fork_end(c->result); /* whoever waits is in the parent */
    _Atomic uint32_t *done = c->done;
    store_release(done, 1);
    oak__os_futex_wake(done, 1);
    return 0;
}

int oak_run(int (*app)(int argc, char **argv), int argc, char **argv)
{
    if (!app)
        return -EINVAL;
    if (oak_in_goroutine())
        return -EDEADLK;
    _Atomic uint32_t done = 0;
    struct main_call call = {app, argc, argv, 0, &done};
    struct main_call *p = &call;
    struct oak__spawn s = {
        .entry = main_entry,
        .fn = (const void *)(uintptr_t)app,
        .args = &p,
        .args_size = sizeof p,
        .created_at = caller_pc(),
        .name = "main",
        .stack_size = 1 << 20, /* as roomy as a program expects of its main function */
    };
    int err = oak__spawn(&s);
    if (err)
        return err;
    while (!load_acquire(&done))
        oak__os_futex_wait(&done, 0, OAK_FOREVER);
    return oak__leakcheck_after_run(call.result);
}
