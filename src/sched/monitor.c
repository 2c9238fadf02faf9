/*
 * The monitor: one thread without a P that sees to it that no P is wasted.
 *
 *   - It takes the P from a thread that has sat in one goroutine for HOG (a computation), or that the kernel
 * has put to sleep in it (a blocking call: its CPU clock stands still, and it does not wait for a processor: one that does
 * goes on before another thread would), if anybody waits for that P.
 *   - It looks at the poller when nobody has for POLL_EVERY.
 *   - It tries again where a P found no thread (worker.c).
 *   - It keeps the coarse clock, and gives back memory: of stacks that rest, and below the stack pointers of goroutines
 *     that have been parked for long.
 *
 * It sleeps 20 us at a time while it finds something to do, longer and longer while it does not; and, once it sleeps for
 * long, on a futex while every P is idle. (Not before: a server is idle for a moment thousands of times a second, and
 * each time would cost waking the monitor and its quick looks afterwards.)
 */
#include "poll/poll.h"
#include "sched/compact.h"
#include "sched/m.h"
#include "sched/runq.h"
#include "sched/sanitize.h"
#include "sched/sched.h"
#include "sched/share.h"
#include "sched/trim.h"

#include <pthread.h>

static const int64_t HOG = 10 * OAK_MILLISECOND;
/* With an idle P at hand a queued goroutine need not wait as long for a busy one. */
static const int64_t HOG_WITH_IDLE = 200 * OAK_MICROSECOND;
static const int64_t BLOCKED = 20 * OAK_MICROSECOND;
static const int64_t POLL_EVERY = 10 * OAK_MILLISECOND;
static const int64_t TRIM_EVERY = 100 * OAK_MILLISECOND;
static const int64_t SLEEP_LEAST = 20 * OAK_MICROSECOND;
static const int64_t SLEEP_MOST_WAITED_FOR = OAK_MILLISECOND;
static const int64_t SLEEP_MOST = 10 * OAK_MILLISECOND;
/* Rounds without anything to do before the sleep grows; so many of them after a sleep on the futex. */
enum { QUIET_ROUNDS = 50, FIRST_ROUNDS = 5, TRIM_BATCH = 256 };

void oak__monitor_wake(void)
{
    struct oak__sched *s = oak__sched;
    /* Pairs with deep_sleep: the caller has taken the first idle P; the monitor says that it sleeps, then counts
     * them. */
    if (load_seq(&s->monitor_asleep) && swap_seq(&s->monitor_asleep, 0))
        oak__os_futex_wake(&s->monitor_asleep, 1);
}

/* Does anything wait for p that only its holder, or a new one, can do? */
static bool waited_for(struct oak__p *p, int64_t now)
{
    return !oak__runq_empty(p) || load_relaxed(&oak__sched->global_count) ||
           load_relaxed(&p->wheel.next_due) <= now;
}

/* Notes p's tick; how long it has stood still. */
static int64_t standing_still(struct oak__p *p, int64_t now)
{
    uint32_t tick = load_relaxed(&p->tick);
    if (tick != p->seen_tick) {
        p->seen_tick = tick;
        p->seen_since = now;
        p->seen_cpu = -1;
    }
    return now - p->seen_since;
}

/* Has the holder's CPU clock stood still since the last look (the first look at a tick: not known yet), and not for want of a
 * processor? */
static bool blocked_in_kernel(struct oak__p *p, struct oak__m *m)
{
    int64_t cpu = oak__os_thread_cpu(m->tid);
    bool same = p->seen_cpu >= 0 && p->seen_tid == m->tid && cpu == p->seen_cpu;
    p->seen_cpu = cpu;
    p->seen_tid = m->tid;
    return same && !oak__os_thread_runnable(m->tid);
}

/* True when p was taken. */
static bool check_p(struct oak__p *p, int64_t now, bool *wanted)
{
    struct oak__sched *s = oak__sched;
    struct oak__m *m = load_acquire(&p->m);
    int64_t still = standing_still(p, now);
    oak__share_pace(p, now);
    if (!m || load_relaxed(&p->idle) || !waited_for(p, now))
        return false;
    *wanted = true;
    if (still < BLOCKED || load_relaxed(&m->entered))
        return false;
    int64_t hog = load_relaxed(&s->nidle_ps) ? HOG_WITH_IDLE : HOG;
    if (still < hog && !blocked_in_kernel(p, m))
        return false;
    if (!oak__retake(p))
        return false;
    oak__hand_off(p);
    return true;
}

static bool poll_if_neglected(int64_t now)
{
    struct oak__sched *s = oak__sched;
    bool broken;
    if (!oak__poll_any() || load_relaxed(&s->polling) || now - load_relaxed(&s->last_poll) < POLL_EVERY)
        return false;
    store_relaxed(&s->last_poll, now);
    struct oak__g *list = oak__poll_wait(0, &broken);
    oak__inject(NULL, list);
    return list != NULL;
}

/*
 * Timers of plain threads hang on no P: with every P in the hands of a goroutine that computes or blocks, nobody
 * else looks at them.
 */
static bool run_thread_timers(int64_t now, bool *wanted)
{
    struct oak__wheel *w = &oak__sched->thread_wheel;
    int64_t due = load_relaxed(&w->next_due);
    if (due != OAK_FOREVER)
        *wanted = true;
    return due <= now && oak__timers_run(w, now) > 0;
}

/* Is there a backlog that an idle P may come for? */
static bool backlog(void)
{
    struct oak__sched *s = oak__sched;
    for (uint32_t i = 0; i < s->nprocs; i++)
        if (shared_backlog(s->p[i]))
            return true;
    return load_relaxed(&s->global_count) != 0;
}

/* Where a P found no thread earlier, after the pause. What is left of the want is said again by who fails again. */
static bool retry_threads(int64_t now)
{
    struct oak__sched *s = oak__sched;
    if (likely(!load_relaxed(&s->threads_refused)) || now < load_relaxed(&s->ask_again))
        return false;
    store_seq(&s->threads_refused, 0);
    oak__wake_worker();
    return true;
}

/* One round; true when something was done. *wanted: work waits behind a busy P. */
static bool round_once(int64_t now, bool *wanted)
{
    struct oak__sched *s = oak__sched;
    bool did = poll_if_neglected(now);
    did |= run_thread_timers(now, wanted);
    for (uint32_t i = 0; i < s->nprocs; i++)
        did |= check_p(s->p[i], now, wanted);
    if (retry_threads(now)) {
        *wanted = true;
    } else if (load_relaxed(&s->nidle_ps) && (backlog() || oak__next_timer() <= now)) {
        *wanted = true;
        oak__wake_worker();
    }
    return did;
}

/* Goroutines' stacks, unless the compactor sees to them. */
static bool trim_parked(int64_t now)
{
    static struct oak__trim t = {.parked_for = OAK_SECOND, .look_at = 1000};
    if (oak__compacting())
        return false;
    if (t.next == 0)
        t.young = false;
    return oak__trim_parked(&t, now) || t.young;
}

/* True: there is more to come back for. */
static bool trim(int64_t now)
{
    static int64_t last;
    if (now - last < TRIM_EVERY)
        return true;
    last = now;
    bool stacks = oak__stack_trim(TRIM_BATCH) == TRIM_BATCH;
    return trim_parked(now) || stacks;
}

/* Sleeps on the futex while every P is idle. True: it did. */
static bool deep_sleep(int64_t now)
{
    struct oak__sched *s = oak__sched;
    if (load_relaxed(&s->nidle_ps) != s->nprocs)
        return false;
    store_seq(&s->monitor_asleep, 1);
    bool idle = load_seq(&s->nidle_ps) == s->nprocs && load_relaxed(&s->global_count) == 0 &&
                load_seq(&s->threads_refused) == 0;
    /* Stacks are trimmed before the sleep gets long. */
    int64_t until = trim(now) ? now + TRIM_EVERY : OAK_FOREVER;
    if (idle)
        oak__os_futex_wait(&s->monitor_asleep, 1, until);
    store_relaxed(&s->monitor_asleep, 0);
    return idle;
}

void *oak__monitor(void *own)
{
    struct oak__sched *s = oak__sched;
    struct oak__m *m = own;
    oak__m_take(m);
    /* It looks at stacks (trim.c): to the leak proof their addresses on its own stack are no references. */
    m->scheduler = true;
    oak__note_stack(m, __builtin_frame_address(0));
    oak__enter();
    store_relaxed(&m->stand_in.name, "oakum monitor");
    int64_t sleep = SLEEP_LEAST;
    int quiet = 0;
    for (;;) {
        oak__os_sleep(sleep);
        int64_t now = oak__os_now();
        store_relaxed(&s->coarse_now, now);
        if (sleep >= SLEEP_MOST && deep_sleep(now)) {
            if (load_relaxed(&s->nidle_ps) ==
                s->nprocs) /* only to trim stacks, or on its way back to sleep */
                continue;
            sleep = SLEEP_LEAST;
            quiet = QUIET_ROUNDS - FIRST_ROUNDS;
            continue;
        }
        bool wanted = false;
        if (round_once(now, &wanted)) {
            sleep = SLEEP_LEAST;
            quiet = 0;
        } else if (++quiet > QUIET_ROUNDS) {
            int64_t most = wanted ? SLEEP_MOST_WAITED_FOR : SLEEP_MOST;
            sleep = sleep * 2 < most ? sleep * 2 : most;
        }
        (void)trim(now);
    }
    return NULL;
}
