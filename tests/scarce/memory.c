/* Memory refused at every place where goroutines, channels, locks, contexts, scopes and panics ask for it. */
#include "refuse.h"

/* ---- goroutines ---- */

struct wide {
    char bytes[300];
};

OAK_TASK(narrow_one, oak_waitgroup *, wg)
{
    oak_waitgroup_done(wg);
}

OAK_TASK(wide_one, oak_waitgroup *, wg, struct wide, w)
{
    expect(w.bytes[299] == 7);
    oak_waitgroup_done(wg);
}

static void deep_one(void *wg)
{
    oak_waitgroup_done(wg);
}

static int counted_in(oak_waitgroup *wg, int rc)
{
    if (rc)
        oak_waitgroup_done(wg);
    return rc;
}

static int goroutines(void)
{
    oak_waitgroup wg = {0};
    struct wide w = {.bytes = {[299] = 7}};
    const struct oak_spawn_opts deep = {.stack_size = 256 << 10};
    oak_waitgroup_add(&wg, 1);
    int rc = counted_in(&wg, oak_go_detached(narrow_one, &wg));
    oak_waitgroup_add(&wg, rc ? 0 : 1);
    rc = rc ? rc : counted_in(&wg, oak_go_detached(wide_one, &wg, w));
    oak_waitgroup_add(&wg, rc ? 0 : 1);
    rc = rc ? rc : counted_in(&wg, oak_spawn_with(&deep, deep_one, &wg));
    expect(oak_waitgroup_wait(&wg) == 0);
    return rc;
}

/* ---- channels, select ---- */

OAK_TASK(give, oak_chan(int), ch, int, n)
{
    for (int i = 0; i < n; i++)
        expect(oak_send(ch, i) == 0);
    expect(oak_chan_close(ch) == 0);
}

static int channels(void)
{
    oak_chan(int) ch = oak_make(int, 2);
    if (!ch)
        return -ENOMEM;
    int rc = oak_go_detached(give, ch, 5);
    int sum = 0;
    if (!rc) {
        oak_range (ch, v)
            sum += v;
        expect(sum == 10);
    }
    expect(oak_chan_free(ch) == 0);
    return rc;
}

/* More cases than have room on the stack. */
static int selects(void)
{
    enum { CASES = 20 };
    struct oak_case cases[CASES];
    int v = 0;
    oak_chan(int) ch = oak_make(int, 1);
    if (!ch)
        return -ENOMEM;
    for (int i = 0; i < CASES; i++)
        cases[i] = oak_on_recv(ch, &v);
    int rc = oak_go_detached(give, ch, 1);
    if (!rc) {
        rc = oak_select_n(cases, CASES);
        expect(rc >= 0 || rc == -ENOMEM);
        expect(rc < 0 || v == 0);
        rc = rc < 0 ? rc : 0;
        while (oak_recv(ch, &v) == 0)
            ;
    }
    expect(oak_chan_free(ch) == 0);
    return rc;
}

/* ---- locks and the like ---- */

static void nothing(void *arg)
{
    (void)arg;
}

/* One goroutine holds several read locks: its books of them ask for memory, and are kept without where there is none. */
static int locks(void)
{
    enum { LOCKS = 10 };
    oak_mutex mu = {0};
    oak_rwmutex rw[LOCKS] = {0};
    oak_once once = {0};
    oak_sem sem = OAK_SEM_INIT(1);
    oak_cond cond = {0};
    expect(oak_mutex_lock(&mu) == 0);
    expect(oak_cond_wait_timeout(&cond, &mu, 1) == -ETIMEDOUT);
    oak_mutex_unlock(&mu);
    for (int i = 0; i < LOCKS; i++)
        expect(oak_rwmutex_rlock(&rw[i]) == 0);
    for (int i = 0; i < LOCKS; i++)
        oak_rwmutex_runlock(&rw[i]);
    for (int i = 0; i < LOCKS; i++)
        expect(oak_rwmutex_trylock(&rw[i]) == 0);
    for (int i = 0; i < LOCKS; i++)
        oak_rwmutex_unlock(&rw[i]);
    expect(oak_once_do(&once, nothing, NULL) == 0);
    expect(oak_sem_acquire(&sem, 1) == 0);
    expect(oak_sem_release(&sem, 1) == 0);
    return 0;
}

/* ---- contexts ---- */

static void raise_flag(void *flag)
{
    store_release((_Atomic int *)flag, 1);
}

/* An after-function that was promised runs, if it takes several tries. */
static int contexts(void)
{
    static const char key;
    int rc = -ENOMEM;
    _Atomic int ran = 0;
    int value = 3;
    oak_ctx *c = oak_ctx_new(NULL);
    oak_ctx *v = c ? oak_ctx_with_value(c, &key, &value) : NULL;
    oak_ctx *t = v ? oak_ctx_with_timeout(v, OAK_HOUR) : NULL;
    oak_done_chan done = t ? oak_ctx_done(t) : NULL;
    oak_after *after = done ? oak_ctx_after(t, raise_flag, &ran) : NULL;
    if (after) {
        rc = 0;
        expect(oak_ctx_value(t, &key) == &value);
        expect(oak_ctx_cancel(c, 0) == 0);
        expect(oak_ctx_err(t) == -ECANCELED);
        char end;
        expect(oak_recv(done, &end) == -EPIPE);
        relent(); /* until then it may be tried in vain */
        wait_until(load_acquire(&ran));
        expect(!oak_ctx_after_stop(after));
    }
    oak_ctx_unref(t);
    oak_ctx_unref(v);
    oak_ctx_unref(c);
    return rc;
}

/* Without a context of its own every blocking call of the block fails. */
static int blocks_with_a_context(void)
{
    int limit = 1, shield = 1;
    oak_with_timeout (OAK_HOUR) {
        limit = oak_sleep(1);
    }
    oak_shield (OAK_HOUR) {
        shield = oak_sleep(1);
    }
    expect(oak_sleep(1) == 0);
    return limit ? limit : shield;
}

static int sleeps(void)
{
    expect(oak_sleep(1) == 0);
    return oak_sleep(OAK_MICROSECOND);
}

/* ---- scopes ---- */

OAK_TASK_ERR(ends_with, int, err)
{
    return err;
}

OAK_TASK(panics, int, n)
{
    oak_panic("the %dth", n);
}

/* Errors that find no room are counted out, but the first one is kept, and its kind. */
static int scopes(void)
{
    int err = 0, rc = 0, first = 0, again;
    struct oak_scope_error e;
    oak_scope (s, .policy = OAK_SUPERVISE, .err = &err) {
        for (int i = 0; i < 4 && !rc; i++)
            rc = oak_go(s, ends_with, -EDOM);
        if (!rc)
            rc = oak_go(s, panics, 7);
        again = oak_scope_wait(s);
        first = oak_scope_error_at(s, 0, &e);
    }
    expect(err == again);
    if (rc)
        return rc;
    expect(first == 0 && (e.err == -EDOM || e.err == -ENOTRECOVERABLE));
    return err == -EDOM || err == -ENOTRECOVERABLE ? 0 : err;
}

static int fails(void *arg)
{
    (void)arg;
    return -EDOM;
}

static int error_groups(void)
{
    oak_errgroup *g = oak_errgroup_new(2);
    if (!g)
        return -ENOMEM;
    int rc = 0;
    for (int i = 0; i < 4 && !rc; i++)
        rc = oak_errgroup_go(g, fails, NULL);
    int err = oak_errgroup_wait(g);
    expect(rc || err == -EDOM);
    return rc == -ECANCELED ? 0 : rc; /* the limit was waited for under the caller's context: never */
}

/* ---- panics ---- */

static void defer_and_panic(void *arg)
{
    oak_defer(raise_flag, arg);
    oak_panic("planted");
}

static int recovered(void)
{
    _Atomic int ran = 0;
    struct oak_panic_info info;
    expect(oak_recover(defer_and_panic, &ran, &info) == -ENOTRECOVERABLE);
    expect(load_acquire(&ran) && strcmp(info.message, "planted") == 0);
    return 0;
}

static const struct scenario scenarios[] = {
    {"goroutines", goroutines, {0}},
    {"channels", channels, {0}},
    {"selects", selects, {0}},
    {"locks", locks, {0}},
    {"contexts", contexts, {0}},
    {"blocks with a context", blocks_with_a_context, {0}},
    {"sleeps", sleeps, {0}},
    {"scopes", scopes, {0}},
    {"error groups", error_groups, {0}},
    {"recovered panics", recovered, {0}},
};
enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

TEST(each_refusal_is_an_error_and_loses_nothing)
{
    static const int which[] = {OAK__FAULT_MALLOC, LIBC_MALLOC, OAK__FAULT_MMAP, OAK__FAULT_THREAD};
    drill_all(scenarios, SCENARIOS, which, sizeof which / sizeof which[0]);
}

/* The drill itself: it finds what it is to find. */
static int ignores_its_loss(void)
{
    oak_chan(int) ch = oak_make(int, 1), more = oak_make(int, 1);
    int rc = ch && more ? 0 : -ENOMEM;
    if (rc == 0) {
        expect(oak_chan_free(ch) == 0);
        expect(oak_chan_free(more) == 0);
    }
    return rc; /* when the second one was refused the first one is lost */
}

static int gives_another_error(void)
{
    oak_chan(int) ch = oak_make(int, 1);
    expect(oak_chan_free(ch) == 0);
    return ch ? 0 : -EIO;
}

static int drill_one_app(int argc, char **argv)
{
    (void)argc;
    (void)drill((const struct scenario *)(void *)argv[0], OAK__FAULT_MALLOC);
    return 0;
}

static int drill_one(void *s)
{
    char *argv[] = {s};
    return oak_run(drill_one_app, 0, argv);
}

static void a_scenario_that_is_wrong_is_found(void **state)
{
    (void)state;
    static struct outcome o;
    struct scenario lossy = {"lossy", ignores_its_loss, {0}}, wrong = {"wrong", gives_another_error, {0}};
    in_child(&o, drill_one, &wrong);
    assert_true(exited_with(&o, CHILD_FAILED));
    assert_true(said(&o, "not documented"));
    in_child(&o, drill_one, &lossy);
    if (HAVE_ALLOCATOR) {
        assert_true(exited_with(&o, CHILD_FAILED));
        assert_true(said(&o, "something is lost"));
    }
}

/* From the very start: the runtime's own memory, mappings, threads and descriptors. */
static void the_start_can_be_tried_again(void **state)
{
    (void)state;
    static const int which[] = {OAK__FAULT_MALLOC, LIBC_MALLOC, OAK__FAULT_MMAP, OAK__FAULT_THREAD,
                                OAK__FAULT_EPOLL};
    static const struct scenario cold[] = {/* A thread that finds no memory is -EAGAIN. */
                                           {"start", goroutines, {-EAGAIN}},
                                           {"start and contexts", contexts, {-EAGAIN}},
                                           {"start and scopes", scopes, {-EAGAIN}}};
    for (size_t i = 0; i < sizeof cold / sizeof cold[0]; i++)
        for (size_t k = 0; k < sizeof which / sizeof which[0]; k++) {
            if (which[k] == LIBC_MALLOC && !HAVE_ALLOCATOR)
                continue;
            int once = drill_cold(&cold[i], which[k], 1), from = drill_cold(&cold[i], which[k], INT_MAX);
            printf("%s, %s: %d and %d refused\n", cold[i].name, kinds[which[k]].name, once, from);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scenario_that_is_wrong_is_found), cmocka_unit_test(the_start_can_be_tried_again),
        cmocka_unit_test(
            each_refusal_is_an_error_and_loses_nothing), /* the last: it starts the runtime here */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
