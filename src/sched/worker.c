/*
 * Workers: threads that run goroutines. Made when a P has work and no thread is idle; never ended, only put
 * to sleep. When one is refused no other is asked for during a pause, twice as long each time: what the kernel has just
 * refused it refuses to the next wake-up as well, and takes its time to say so.
 *
 * Who may hand a P to whom: a P is in exactly one place: held by an M (p->m, m->p), on the idle list, or in
 * the hands of the code that is between the two. The idle lists are under sched.lock. A sleeping M is woken
 * by next_p, then wake = 1 (release); it reads wake with acquire, so it sees next_p.
 */
#include "poll/poll.h"
#include "sched/event.h"
#include "sched/fork.h"
#include "sched/runq.h"
#include "sched/sanitize.h"
#include "sched/sched.h"

#include <pthread.h>
#include <string.h>

enum { MAX_THREADS = 10000 };
static const int64_t PAUSE_LEAST = OAK_MILLISECOND;
static const int64_t PAUSE_MOST = 100 * OAK_MILLISECOND;

void oak__acquire_p(struct oak__m *m, struct oak__p *p)
{
    store_relaxed(&m->p, p);
    store_release(&p->m, m);
    store_release(&m->own, OAK__OWN_P);
    oak__event(OAK__EV_P_START, NULL);
}

/* Entered: the monitor, if it is just trying to take the P, will see that and put own back. */
struct oak__p *oak__release_p(struct oak__m *m)
{
    uint32_t own = OAK__OWN_P;
    while (!cas_seq(&m->own, &own, OAK__OWN_NONE)) {
        cpu_relax();
        own = OAK__OWN_P;
    }
    struct oak__p *p = load_relaxed(&m->p);
    store_relaxed(&m->p, NULL);
    store_relaxed(&p->m, NULL);
    oak__event(OAK__EV_P_STOP, NULL);
    return p;
}

void oak__idle_p_put(struct oak__p *p)
{
    struct oak__sched *s = oak__sched;
    p->idle_next = s->idle_ps;
    s->idle_ps = p;
    store_relaxed(&p->idle, 1);
    fetch_add_seq(&s->nidle_ps, 1);
}

struct oak__p *oak__idle_p_get(void)
{
    struct oak__sched *s = oak__sched;
    struct oak__p *p = s->idle_ps;
    if (!p)
        return NULL;
    s->idle_ps = p->idle_next;
    store_relaxed(&p->idle, 0);
    if (fetch_sub_seq(&s->nidle_ps, 1) == s->nprocs)
        oak__monitor_wake();
    return p;
}

COLD char *oak__idle_stack(void)
{
    struct oak__sched *s = oak__sched;
    char *lo = NULL;
    lock(&s->lock); /* an idle P's caches are nobody's */
    for (struct oak__p *p = s->idle_ps; p && !lo; p = p->idle_next)
        if (p->stacks.n)
            lo = p->stacks.lo[--p->stacks.n];
    unlock(&s->lock);
    return lo;
}

/*
 * While the caller counts as spinning, others who queue work rely on it. If it then comes too late for an idle P, one may
 * have become idle meanwhile whose worker looked around before that work was there: so it looks again once it has stopped
 * counting (models/sleep.pml, WAKER_GIVES_UP).
 */
void oak__wake_worker(void)
{
    struct oak__sched *s = oak__sched;
    oak__light_fence();
    while (load_seq(&s->nidle_ps) != 0 && load_relaxed(&s->nspinning) == 0) {
        uint32_t none = 0;
        if (!cas_seq(&s->nspinning, &none, 1))
            return;
        lock(&s->lock);
        struct oak__p *p = oak__idle_p_get();
        unlock(&s->lock);
        if (p) {
            oak__start_worker(p, true);
            return;
        }
        fetch_sub_seq(&s->nspinning, 1);
    }
}

void oak__stop_worker(struct oak__m *m)
{
    struct oak__sched *s = oak__sched;
    lock(&s->lock);
    m->idle_next = s->idle_ms;
    s->idle_ms = m;
    unlock(&s->lock);
    while (load_acquire(&m->wake) == 0)
        oak__os_futex_wait(&m->wake, 0, OAK_FOREVER);
    store_relaxed(&m->wake, 0);
    oak__acquire_p(m, m->next_p);
}

/*
 * Where a thread's stack begins, guard and all, is often also where a large block of malloc's ends, so that its address would be a
 * reference to that block. Libc has it in the thread's own record above the stack, with the length in the next word;
 * and of the registers with which the thread was made, which the function that it begins with has kept for its cancellation,
 * one still has it: the record leads to them, while nothing of the program has run that could put a pointer like that there. The leak
 * proof is told where these words stand.
 */
__attribute__((no_sanitize("address"))) static void note_libc_words(struct oak__m *m)
{
    enum { WORDS = 512, MOST_GUARD = 1 << 20 };
    const uintptr_t lo = (uintptr_t)m->g0_lo, hi = (uintptr_t)m->g0_hi, self = (uintptr_t)pthread_self();
    const uintptr_t base = m->g0_base ? (uintptr_t)m->g0_base : self;
    if (self <= lo || self >= hi)
        return;
    int found = 0;
    const uintptr_t *w = (const uintptr_t *)self;
    for (int i = 0; i < WORDS && (uintptr_t)(w + 2) <= hi; i++, w++) {
        if (w[0] <= lo && lo - w[0] <= MOST_GUARD && w[0] + w[1] == hi)
            m->g0_record = w;
        if (w[0] > base && w[0] < self && w[0] % 16 == 0 && found++ == 0)
            m->g0_made_with = (const uintptr_t *)w[0];
    }
    if (found > 1)
        m->g0_made_with = NULL;
}

/* The bounds of this thread's own stack, for the sanitizer and the leak proof. */
void oak__note_stack(struct oak__m *m, void *base)
{
    m->g0_base = base;
    m->g0_record = m->g0_made_with = NULL;
    oak__os_thread_bounds(&m->g0_lo, &m->g0_hi);
    if (m->g0_lo)
        note_libc_words(m);
}

static void *worker(void *arg)
{
    struct oak__m *m = arg;
    oak__tls_m = m;
    m->tid = oak__os_gettid();
    oak__note_stack(m, __builtin_frame_address(0));
    sanitize_g0_init(m);
    oak__faults_thread_init();
    oak__acquire_p(m, m->next_p);
    for (;;) {
        struct oak__g *g = oak__find_runnable(m);
        oak__run(m, g);
        /* The goroutine may have left because its P had been taken and none was free. */
        if (!load_relaxed(&m->p))
            oak__stop_worker(m);
    }
    return NULL;
}

static int new_worker(struct oak__p *p, bool spinning)
{
    struct oak__sched *s = oak__sched;
    if (fetch_add_relaxed(&s->nthreads, 1) >= MAX_THREADS || load_relaxed(&oak__forked)) {
        fetch_sub_seq(&s->nthreads, 1);
        return -EAGAIN;
    }
    struct oak__m *m = oak__slab_alloc(&oak__m_slab);
    int err = m ? 0 : -ENOMEM;
    if (m) {
        m->next_p = p;
        m->spinning = spinning;
        store_relaxed(&m->rng, oak__os_random());
        store_relaxed(&m->entered, 1);
        err = oak__os_thread(worker, m, "oakum");
    }
    if (err) {
        fetch_sub_seq(&s->nthreads, 1);
        if (m)
            oak__slab_free(&oak__m_slab, m);
    }
    return err;
}

/* Has a thread just been refused? */
static bool pausing(void)
{
    int64_t again = load_relaxed(&oak__sched->ask_again);
    return unlikely(again != 0) && oak__os_now() < again;
}

static void note_answer(bool refused)
{
    struct oak__sched *s = oak__sched;
    if (!refused && likely(load_relaxed(&s->ask_again) == 0))
        return;
    lock(&s->lock);
    int64_t longer = s->ask_pause < PAUSE_LEAST ? PAUSE_LEAST : 2 * s->ask_pause;
    s->ask_pause = !refused ? 0 : longer < PAUSE_MOST ? longer : PAUSE_MOST;
    store_relaxed(&s->ask_again, refused ? oak__os_now() + s->ask_pause : 0);
    unlock(&s->lock);
}

void oak__start_worker(struct oak__p *p, bool spinning)
{
    struct oak__sched *s = oak__sched;
    lock(&s->lock);
    struct oak__m *m = unlikely(load_relaxed(&oak__forked)) ? NULL : s->idle_ms;
    if (m)
        s->idle_ms = m->idle_next;
    unlock(&s->lock);
    if (m) {
        m->next_p = p;
        m->spinning = spinning;
        store_release(&m->wake, 1);
        oak__os_futex_wake(&m->wake, 1);
        return;
    }
    if (!pausing()) {
        bool refused = new_worker(p, spinning) != 0;
        note_answer(refused);
        if (!refused)
            return;
    }
    /*
     * No thread to be had: the P waits on the idle list, and what was queued at it where anybody looks. The one who sleeps in
     * the poller may be the only one there is. If there is none at all, nobody looks at timers and the poller either: the
     * monitor tries again.
     */
    oak__runq_give_up(p);
    lock(&s->lock);
    oak__idle_p_put(p);
    unlock(&s->lock);
    if (spinning)
        fetch_sub_seq(&s->nspinning, 1);
    store_seq(&s->threads_refused, 1);
    if (load_seq(&s->polling))
        oak__poll_break();
    oak__monitor_wake();
}

int oak__first_worker(void)
{
    struct oak__sched *s = oak__sched;
    lock(&s->lock);
    struct oak__p *p = oak__idle_p_get();
    assume(p); /* nobody else runs yet */
    unlock(&s->lock);
    int err = new_worker(p, false);
    if (err) {
        lock(&s->lock);
        oak__idle_p_put(p);
        unlock(&s->lock);
    }
    return err;
}
