/* Wait groups, conditions, semaphores, once, error groups. */
#include "rulestest.h"

/* ---- wait groups ---- */

static void waits(void *wg)
{
    (void)!oak_waitgroup_wait(wg);
}

static void build_missing_done(const char *name, bool live)
{
    oak_waitgroup *wg = new_zeroed(sizeof *wg, live);
    oak_waitgroup_add(wg, 2);
    oak_waitgroup_done(wg);
    go(name, waits, wg);
    settle(name, 1);
}

/* The only one that is to say done waits for a channel. */
OAK_TASK(receives_and_is_done, const char *, name, ints, ch, oak_waitgroup *, wg)
{
    oak_set_name(name);
    receives(raw_of(ch));
    oak_waitgroup_done(wg);
}

static void build_leaked_member(const char *name, bool live)
{
    oak_waitgroup *wg = new_zeroed(sizeof *wg, false);
    oak_waitgroup_add(wg, 1);
    must(oak_go_detached(receives_and_is_done, name, make_known(live), wg));
    go(name, waits, wg);
    settle(name, 2);
}

/* On the stack of the one who waits. */
OAK_TASK(waits_for_child, const char *, name, ints, ch)
{
    oak_waitgroup wg = {0};
    oak_set_name(name);
    oak_waitgroup_add(&wg, 1);
    must(oak_go_detached(receives_and_is_done, name, ch, &wg));
    waits(&wg);
}

static void build_on_stack(const char *name, bool live)
{
    must(oak_go_detached(waits_for_child, name, make_known(live)));
    settle(name, 2);
}

/* ---- conditions, semaphores ---- */

static void build_missing_signal(const char *name, bool live)
{
    struct guarded *g = new_zeroed(sizeof *g, live);
    for (int i = 0; i < 3; i++)
        go(name, waits_for_signal, g);
    settle(name, 3);
}

static void acquires(void *sem)
{
    (void)!oak_sem_acquire(sem, 2);
}

static void build_missing_release(const char *name, bool live)
{
    oak_sem *sem = new_zeroed(sizeof *sem, live);
    must(oak_sem_release(sem, 1));
    go(name, acquires, sem);
    settle(name, 1);
}

/* ---- once: the goroutine that runs it is known, wherever the once lies ---- */

static oak_once onces[2];

OAK_TASK(runs_once, const char *, name, ints, ch, oak_once *, once)
{
    oak_set_name(name);
    must(oak_once_do(once, receives, raw_of(ch)));
}

static void build_once(const char *name, bool live)
{
    must(oak_go_detached(runs_once, name, make_known(live), &onces[live]));
    settle(name, 1);
    for (int i = 0; i < 2; i++)
        must(oak_go_detached(runs_once, name, NULL, &onces[live]));
    settle(name, 3);
}

/* ---- error groups ---- */

struct member {
    const char *name;
    ints ch;
};

static int receives_as_member(void *arg)
{
    struct member m = *(struct member *)arg;
    free(arg);
    oak_set_name(m.name);
    receives(raw_of(m.ch));
    return 0;
}

static struct member *new_member(const char *name, ints ch)
{
    struct member *m = new_zeroed(sizeof *m, false);
    *m = (struct member){name, ch};
    return m;
}

OAK_TASK(waits_for_group, const char *, name, ints, ch)
{
    oak_set_name(name);
    oak_errgroup *g = oak_errgroup_new(0);
    must(!g);
    must(oak_errgroup_go(g, receives_as_member, new_member(name, ch)));
    (void)!oak_errgroup_wait(g);
}

static void build_errgroup(const char *name, bool live)
{
    must(oak_go_detached(waits_for_group, name, make_known(live)));
    settle(name, 2);
}

/* Somebody may cancel the group. */
OAK_TASK(waits_for_known_group, const char *, name, bool, live)
{
    oak_set_name(name);
    oak_errgroup *g = oak_errgroup_new(0);
    must(!g);
    if (live)
        rule_reference = oak_errgroup_ctx(g);
    must(oak_errgroup_go(g, receives_as_member, new_member(name, make(0))));
    (void)!oak_errgroup_wait(g);
}

static void build_errgroup_context(const char *name, bool live)
{
    must(oak_go_detached(waits_for_known_group, name, live));
    settle(name, 2);
}

/* One at a time, and that one is leaked. */
OAK_TASK(fills_group, const char *, name, ints, ch)
{
    oak_set_name(name);
    oak_errgroup *g = oak_errgroup_new(1);
    must(!g);
    for (int i = 0; i < 2; i++)
        must(oak_errgroup_go(g, receives_as_member, new_member(name, ch)));
    (void)!oak_errgroup_wait(g);
}

static void build_errgroup_limit(const char *name, bool live)
{
    must(oak_go_detached(fills_group, name, make_known(live)));
    settle(name, 2);
}

int main(void)
{
    static const struct rule rules[] = {
        RULE("a missing done", .n = 1, .build = build_missing_done, .why = "no reference to wait group"),
        RULE("a wait group whose member is leaked", .n = 2, .build = build_leaked_member),
        RULE("a wait group on the stack", .n = 2, .build = build_on_stack),
        RULE("a missing signal", .n = 3, .build = build_missing_signal, .why = "no reference to condition"),
        RULE("a missing release", .n = 1, .build = build_missing_release, .why = "no reference to semaphore"),
        RULE("a once that does not end", .n = 3, .build = build_once),
        RULE("an error group whose member is leaked", .n = 2, .build = build_errgroup),
        RULE("an error group that nobody can cancel", .n = 2, .build = build_errgroup_context),
        RULE("an error group's limit", .n = 2, .build = build_errgroup_limit),
    };
    return run_rules(rules, countof(rules));
}
