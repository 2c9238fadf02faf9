/*
 * A worker's search for work, and how it goes to sleep without losing any.
 *
 * Order: own timers, own queue, global queue, poller (without blocking), other Ps' rings and timers. Then
 * sleep: the last one awake blocks in the poller until the earliest timer, the others on their own futex.
 *
 * The sleep protocol (models/sleep.pml). Who queues work: (1) queues it, (2) light fence, (3) wakes a worker
 * if a P is idle and nobody is spinning. Who goes to sleep: (1) puts its P on the idle list and stops
 * counting as spinning, (2) heavy fence, (3) looks at every queue once more. Either the submitter sees the
 * idle P and no spinner, or the sleeper sees the work. At most half of the busy Ps' number of workers spin at
 * a time; a spinner that finds work wakes the next one, so that a burst of work gets its workers one after
 * the other. A P that keeps its backlog to itself for a while (share.h) wakes nobody for it; its sleepers do not count it
 * as work.
 *
 * Timers hang on Ps. A worker that goes idle tells the poller if its P's next timer is earlier than the
 * poller will wake; the poller publishes when it will wake, and looks at all wheels again after that.
 */
#include "poll/poll.h"
#include "sched/door.h"
#include "sched/inline.h"
#include "sched/m.h"
#include "sched/runq.h"
#include "sched/sanitize.h"
#include "sched/share.h"

enum { STEAL_ROUNDS = 4, SPIN_ROUNDS = 40, SPIN_PAUSE = 20 };

static struct oak__g *found(struct oak__m *m, struct oak__g *g)
{
    if (m->spinning) {
        m->spinning = false;
        fetch_sub_seq(&oak__sched->nspinning, 1);
        /* One more may be of use: what was found may come with more. */
        oak__wake_worker();
    }
    return g;
}

void oak__inject(struct oak__p *p, struct oak__g *list)
{
    bool some = list != NULL;
    while (list) {
        struct oak__g *g = list;
        list = load_relaxed(&g->next);
        oak__becomes_runnable(g);
        if (p)
            oak__ring_push(p, g);
        else
            oak__global_push(g);
    }
    if (some)
        oak__wake_worker();
}

int64_t oak__next_timer(void)
{
    struct oak__sched *s = oak__sched;
    int64_t next = load_acquire(&s->thread_wheel.next_due);
    for (uint32_t i = 0; i < s->nprocs; i++) {
        int64_t due = load_acquire(&s->p[i]->wheel.next_due);
        if (due < next)
            next = due;
    }
    return next;
}

/* Fires what is due on any wheel, our own first, as long as what becomes runnable has room on our own P. */
static void run_all_timers(struct oak__p *p, int64_t now)
{
    struct oak__sched *s = oak__sched;
    int room;
    if (load_relaxed(&s->thread_wheel.next_due) <= now)
        oak__timers_run(&s->thread_wheel, now);
    for (uint32_t i = 0; i < s->nprocs && (room = oak__ring_room(p)) > 0; i++) {
        struct oak__wheel *w = &s->p[(p->index + i) % s->nprocs]->wheel;
        if (load_relaxed(&w->next_due) <= now)
            oak__timers_run_some(w, now, room);
    }
}

static struct oak__g *steal_round(struct oak__m *m, struct oak__p *p)
{
    struct oak__sched *s = oak__sched;
    uint32_t start = s->nprocs > 1 ? oak__choose(m, OAK__CHOICE_VICTIM, s->nprocs) : 0;
    for (uint32_t i = 0; i < s->nprocs; i++) {
        struct oak__p *victim = s->p[(start + i) % s->nprocs];
        if (victim == p || !shares(victim))
            continue;
        struct oak__g *g = oak__ring_steal(p, victim);
        if (!g)
            g = oak__fresh_steal(p, victim);
        if (g) {
            oak__share_stolen(m, p, victim);
            return g;
        }
    }
    return oak__global_pop(p, OAK__RING / 2);
}

/* May this worker spin? Not more than half as many as are busy. */
static bool may_spin(struct oak__m *m)
{
    struct oak__sched *s = oak__sched;
    if (m->spinning)
        return true;
    uint32_t busy = s->nprocs - load_relaxed(&s->nidle_ps);
    if (2 * load_relaxed(&s->nspinning) >= busy)
        return false;
    m->spinning = true;
    fetch_add_seq(&s->nspinning, 1);
    return true;
}

static struct oak__g *spin(struct oak__m *m, struct oak__p *p)
{
    if (oak__sched->nprocs == 1)
        return NULL;
    for (int round = 0; round < SPIN_ROUNDS; round++) {
        struct oak__g *g = steal_round(m, p);
        if (g)
            return g;
        for (int i = 0; round >= STEAL_ROUNDS && i < SPIN_PAUSE; i++)
            cpu_relax();
    }
    return NULL;
}

static struct oak__g *look(struct oak__m *m, struct oak__p *p)
{
    struct oak__sched *s = oak__sched;
    bool broken;
    int64_t now = oak__os_now();
    store_relaxed(&s->coarse_now, now);
    oak__share_judge(m, p, now);
    run_all_timers(p, now);
    struct oak__g *g = oak__pick_local(p);
    if (!g)
        g = oak__global_pop(p, OAK__RING / 2);
    if (!g && oak__poll_any() && !load_relaxed(&s->polling)) {
        oak__inject(p, oak__poll_wait(0, &broken));
        store_relaxed(&s->last_poll, now);
        g = oak__pick_local(p);
    }
    if (!g && may_spin(m))
        g = spin(m, p);
    return g;
}

static bool work_anywhere(void)
{
    struct oak__sched *s = oak__sched;
    if (load_acquire(&s->global_count))
        return true;
    for (uint32_t i = 0; i < s->nprocs; i++)
        if (shared_backlog(s->p[i]))
            return true;
    return false;
}

/* An idle P for m, or NULL. */
static struct oak__p *take_idle_p(struct oak__m *m)
{
    struct oak__sched *s = oak__sched;
    lock(&s->lock);
    struct oak__p *p = oak__idle_p_get();
    unlock(&s->lock);
    if (p)
        oak__acquire_p(m, p);
    return p;
}

static void start_spinning(struct oak__m *m)
{
    m->spinning = true;
    fetch_add_seq(&oak__sched->nspinning, 1);
}

/* Gives up the P unless work came meanwhile. False: it came, the P is kept. */
static bool give_up_p(struct oak__m *m)
{
    struct oak__sched *s = oak__sched;
    lock(&s->lock);
    if (load_relaxed(&s->global_count)) {
        unlock(&s->lock);
        return false;
    }
    oak__idle_p_put(oak__release_p(m));
    unlock(&s->lock);
    if (m->spinning) {
        m->spinning = false;
        fetch_sub_seq(&s->nspinning, 1);
    }
    oak__heavy_fence();
    return true;
}

/* Blocks in the poller, as the only one, no longer than it has said: who arms a timer for after `published`
 * leaves it alone. True: it has a P again. */
static bool block_in_poller(struct oak__m *m, int64_t published)
{
    struct oak__sched *s = oak__sched;
    fence_seq();
    int64_t until = oak__next_timer(); /* again, after `polling` was published */
    until = until < published ? until : published;
    int64_t now = oak__os_now();
    bool broken = false;
    struct oak__g *list = oak__poll_wait(until == OAK_FOREVER ? until
                                         : until > now        ? until - now
                                                              : 0,
                                         &broken);
    now = oak__os_now();
    store_relaxed(&s->coarse_now, now);
    store_relaxed(&s->last_poll, now);
    store_seq(&s->polling, 0);
    struct oak__p *p = take_idle_p(m);
    oak__inject(p, list);
    if (p)
        start_spinning(m);
    return p != NULL;
}

/* Sleeps until there is a reason not to; holds a P afterwards. */
static void sleep_without_p(struct oak__m *m, int64_t own_next)
{
    struct oak__sched *s = oak__sched;
    int64_t until = oak__next_timer();
    int64_t nobody = 0;
    if (cas_seq(&s->polling, &nobody, until == OAK_FOREVER ? until : until + 1)) {
        if (block_in_poller(m, until))
            return;
    } else if (own_next < nobody - 1) {
        oak__poll_break();
    }
    oak__stop_worker(m);
}

struct oak__g *oak__find_runnable(struct oak__m *m)
{
    for (;;) {
        struct oak__p *p = load_relaxed(&m->p);
        struct oak__g *g = look(m, p);
        if (g)
            return found(m, g);
        int64_t own_next = load_relaxed(&p->wheel.next_due);
        if (!give_up_p(m))
            continue;
        if (work_anywhere() && take_idle_p(m)) {
            start_spinning(m);
            continue;
        }
        sleep_without_p(m, own_next);
    }
}
