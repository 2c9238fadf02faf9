/* Locks know their owners: what is proven here is proven of global locks, which every live goroutine could reach. */
#include "rulestest.h"

/* What one round's goroutines use: nothing of it is used again. */
static struct round {
    const char *name;
    bool live;
    char owner[64]; /* the name of one who takes locks and is not looked at */
    oak_mutex mu[3];
    oak_rwmutex rw[3];
    oak_waitgroup ready;
} rounds[64], *round_now;

static struct round *new_round(const char *name, bool live, int members)
{
    static size_t n;
    if (n == countof(rounds))
        abort();
    struct round *r = round_now = &rounds[n++];
    r->name = name;
    r->live = live;
    snprintf(r->owner, sizeof r->owner, "owner: %s", name);
    oak_waitgroup_add(&r->ready, members);
    return r;
}

/* All members have taken their first lock. */
static void meet(struct round *r)
{
    oak_waitgroup_done(&r->ready);
    must(oak_waitgroup_wait(&r->ready));
}

OAK_TASK(task, const char *, name, struct round *, r, void *, fn, int, which, ints, ch)
{
    oak_set_name(name);
    ((void (*)(struct round *, int, ints))(uintptr_t)fn)(r, which, ch);
}

static void start(struct round *r, void (*fn)(struct round *, int, ints), int which, ints ch)
{
    must(oak_go_detached(task, r->name, r, (void *)(uintptr_t)fn, which, ch));
}

/* ---- mutexes ---- */

static void locks_twice(void *m)
{
    (void)!oak_mutex_lock(m);
    (void)!oak_mutex_lock(m);
}

static void build_self(const char *name, bool live)
{
    go_cancellable(name, locks_twice, new_round(name, live, 0)->mu, live);
    settle(name, 1);
}

/* In a live round the first one will have had enough some day. */
static void locks_next(struct round *r, int which, ints n)
{
    const int all = (int)(uintptr_t)n;
    must(oak_mutex_lock(&r->mu[which]));
    meet(r);
    oak_mutex *next = &r->mu[(which + 1) % all];
    (void)!(r->live && which == 0 ? oak_mutex_lock_timeout(next, OAK_HOUR) : oak_mutex_lock(next));
}

static void build_cycle(const char *name, bool live, int n)
{
    struct round *r = new_round(name, live, n);
    for (int i = 0; i < n; i++)
        start(r, locks_next, i, (ints)(uintptr_t)n);
    settle(name, n);
}

static void build_two(const char *name, bool live)
{
    build_cycle(name, live, 2);
}

static void build_three(const char *name, bool live)
{
    build_cycle(name, live, 3);
}

static void holds_and_receives(struct round *r, int which, ints ch)
{
    must(oak_mutex_lock(&r->mu[which]));
    receives(raw_of(ch));
    oak_mutex_unlock(&r->mu[which]);
}

static void locks(struct round *r, int which, ints ch)
{
    (void)ch;
    must(oak_mutex_lock(&r->mu[which]));
    oak_mutex_unlock(&r->mu[which]);
}

static void build_leaked_owner(const char *name, bool live)
{
    struct round *r = new_round(name, live, 0);
    start(r, holds_and_receives, 0, make_known(live));
    settle(name, 1);
    start(r, locks, 0, NULL);
    start(r, locks, 0, NULL);
    settle(name, 3);
}

/* The owner has ended; in a live round it is only asleep. */
static void locks_and_leaves(void *arg)
{
    struct round *r = arg;
    must(oak_mutex_lock(r->mu));
    must(oak_rwmutex_lock(r->rw));
    if (r->live)
        (void)!oak_sleep(OAK_HOUR);
}

static struct round *left_locked(const char *name, bool live)
{
    struct round *r = new_round(name, live, 0);
    go(r->owner, locks_and_leaves, r);
    settle(r->owner, live);
    return r;
}

static void build_ended_owner(const char *name, bool live)
{
    start(left_locked(name, live), locks, 0, NULL);
    settle(name, 1);
}

/* Whoever was woken by a signal takes the mutex back, which no context ends. */
OAK_TASK(signals_and_receives, const char *, name, struct guarded *, g, ints, ch)
{
    oak_set_name(name);
    must(oak_mutex_lock(&g->mu));
    oak_cond_signal(&g->cond);
    receives(raw_of(ch));
    oak_mutex_unlock(&g->mu);
}

static void build_relock(const char *name, bool live)
{
    static struct guarded g[2];
    go(name, waits_for_signal, &g[live]);
    settle(name, 1);
    must(oak_go_detached(signals_and_receives, name, &g[live], make_known(live)));
    settle(name, 2);
}

/* ---- read-write mutexes ---- */

static void writes_and_receives(struct round *r, int which, ints ch)
{
    must(oak_rwmutex_lock(&r->rw[which]));
    receives(raw_of(ch));
    oak_rwmutex_unlock(&r->rw[which]);
}

static void reads_and_receives(struct round *r, int which, ints ch)
{
    must(oak_rwmutex_rlock(&r->rw[which]));
    receives(raw_of(ch));
    oak_rwmutex_runlock(&r->rw[which]);
}

static void reads(struct round *r, int which, ints ch)
{
    (void)ch;
    must(oak_rwmutex_rlock(&r->rw[which]));
    oak_rwmutex_runlock(&r->rw[which]);
}

static void writes(struct round *r, int which, ints ch)
{
    (void)ch;
    must(oak_rwmutex_lock(&r->rw[which]));
    oak_rwmutex_unlock(&r->rw[which]);
}

static void build_leaked_writer(const char *name, bool live)
{
    struct round *r = new_round(name, live, 0);
    start(r, writes_and_receives, 0, make_known(live));
    settle(name, 1);
    start(r, reads, 0, NULL);
    start(r, writes, 0, NULL);
    settle(name, 3);
}

static void build_leaked_readers(const char *name, bool live)
{
    struct round *r = new_round(name, live, 0);
    ints ch = make_known(live);
    start(r, reads_and_receives, 0, ch);
    start(r, reads_and_receives, 0, ch);
    settle(name, 2);
    start(r, writes, 0, NULL);
    settle(name, 3);
}

/* Readers that come after a writer wait for it, though only readers hold the lock. */
static void build_behind_writer(const char *name, bool live)
{
    build_leaked_readers(name, live);
    start(round_now, reads, 0, NULL);
    start(round_now, writes, 0, NULL);
    settle(name, 5);
}

static void build_ended_writer(const char *name, bool live)
{
    struct round *r = left_locked(name, live);
    start(r, reads, 0, NULL);
    start(r, writes, 0, NULL);
    settle(name, 2);
}

static void reads_and_writes(void *m)
{
    (void)!oak_rwmutex_rlock(m);
    (void)!oak_rwmutex_lock(m);
}

static void build_upgrade(const char *name, bool live)
{
    go_cancellable(name, reads_and_writes, new_round(name, live, 0)->rw, live);
    settle(name, 1);
}

/* Reads, and reads again when a writer has come in between; in a live round the writer will have had enough some day. */
static void reads_twice(struct round *r, int which, ints ch)
{
    must(oak_rwmutex_rlock(&r->rw[which]));
    receives(raw_of(ch));
    (void)!oak_rwmutex_rlock(&r->rw[which]);
}

static void writes_for_a_while(struct round *r, int which, ints ch)
{
    (void)ch;
    (void)!(r->live ? oak_rwmutex_lock_timeout(&r->rw[which], OAK_HOUR) : oak_rwmutex_lock(&r->rw[which]));
}

static void build_read_again(const char *name, bool live)
{
    struct round *r = new_round(name, live, 0);
    ints go_on = make(0);
    start(r, reads_twice, 0, go_on);
    settle(name, 1);
    start(r, writes_for_a_while, 0, NULL);
    settle(name, 2);
    must(oak_send(go_on, 1));
    settle(name, 2);
}

/* Each reads one and wants to write the other. */
static void reads_one_writes_other(struct round *r, int which, ints ch)
{
    (void)ch;
    must(oak_rwmutex_rlock(&r->rw[which]));
    meet(r);
    oak_rwmutex *other = &r->rw[1 - which];
    (void)!(r->live && which ? oak_rwmutex_lock_timeout(other, OAK_HOUR) : oak_rwmutex_lock(other));
}

static void build_crossed(const char *name, bool live)
{
    struct round *r = new_round(name, live, 2);
    start(r, reads_one_writes_other, 0, NULL);
    start(r, reads_one_writes_other, 1, NULL);
    settle(name, 2);
}

int main(void)
{
    static const struct rule rules[] = {
        RULE("a mutex locked twice", .n = 1, .build = build_self, .why = "it holds mutex"),
        RULE("a cycle of two mutexes", .n = 2, .build = build_two, .why = "lock cycle", .stays = true),
        RULE("a cycle of three mutexes", .n = 3, .build = build_three, .why = "lock cycle", .stays = true),
        RULE("a mutex whose owner is leaked", .n = 3, .build = build_leaked_owner),
        RULE("a mutex whose owner has ended", .n = 1, .build = build_ended_owner, .why = "which has ended",
             .stays = true),
        RULE("a mutex to be taken back", .n = 2, .build = build_relock, .why = "which is leaked"),
        RULE("a rwmutex whose writer is leaked", .n = 3, .build = build_leaked_writer),
        RULE("a rwmutex whose writer has ended", .n = 2, .build = build_ended_writer,
             .why = "which has ended", .stays = true),
        RULE("a rwmutex whose readers are leaked", .n = 3, .build = build_leaked_readers),
        RULE("readers behind a leaked writer", .n = 5, .build = build_behind_writer),
        RULE("a read lock made a write lock", .n = 1, .build = build_upgrade, .why = "it holds rwmutex"),
        RULE("a read lock taken again", .n = 2, .build = build_read_again,
             .why = "waits before it to write-lock", .stays = true),
        RULE("read locks crossed", .n = 2, .build = build_crossed, .why = "lock cycle", .stays = true),
    };
    return run_rules(rules, countof(rules));
}
