/* What a process says when a panic ends it, and when a scope's children overrun: in forked children. */
#include "../support/goroutine.h"
#include "../support/child.h"

static struct child c;

static void panic_with(void *text)
{
    oak_panic("%s", (const char *)text);
}

static void say(void *text)
{
    dprintf(STDERR_FILENO, "deferred: %s\n", (const char *)text);
}

/* ---- unrecovered panics ---- */

OAK_TASK(bystander, oak_chan(int), ch)
{
    int v;
    expect(oak_recv(ch, &v) == 0);
}

static int app_panics(int argc, char **argv)
{
    (void)argc, (void)argv;
    oak_chan(int) ch = oak_make(int, 0);
    oak_defer(say, (void *)"one");
    expect(oak_go_detached(bystander, ch) == 0);
    (void)oak_sleep(OAK_MILLISECOND);
    oak_panic("the sky falls, %d times", 2);
}

static void panic_prints_all_goroutines_and_aborts(void **state)
{
    (void)state;
    run_child(&c, app_panics);
    assert_true(ended_by(&c, SIGABRT));
    assert_says(&c, "deferred: one\npanic: the sky falls, 2 times\n");
    assert_says(&c, "goroutine 1 \"main\" running");
    assert_says(&c, "app_panics");
    assert_says(&c, "chan receive");
    assert_says(&c, "bystander");
}

static int app_panics_twice(int argc, char **argv)
{
    (void)argc, (void)argv;
    oak_defer(panic_with, (void *)"second");
    oak_panic("first");
}

static void replaced_panics_are_told_in_order(void **state)
{
    (void)state;
    run_child(&c, app_panics_twice);
    assert_true(ended_by(&c, SIGABRT));
    assert_says(&c, "panic: first\n\tpanic: second\n");
}

OAK_TASK(free_panics, int, unused)
{
    (void)unused;
    oak_panic("free");
}

static void recover_a_child(void *arg)
{
    (void)arg;
    expect(oak_go_detached(free_panics, 0) == 0);
    (void)oak_sleep(OAK_HOUR);
}

static int app_free_goroutine_panics(int argc, char **argv)
{
    (void)argc, (void)argv;
    return oak_recover(recover_a_child, NULL, NULL);
}

static void recover_does_not_reach_a_free_goroutine(void **state)
{
    (void)state;
    run_child(&c, app_free_goroutine_panics);
    assert_true(ended_by(&c, SIGABRT));
    assert_says(&c, "panic: free\n");
}

OAK_TASK(panics_too, int, i)
{
    oak_panic("number %d", i);
}

static int app_many_panic(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (int i = 0; i < 20; i++)
        expect(oak_go_detached(panics_too, i) == 0);
    return oak_sleep(OAK_HOUR);
}

static void one_panic_is_told_when_many_happen(void **state)
{
    (void)state;
    run_child(&c, app_many_panic);
    assert_true(ended_by(&c, SIGABRT));
    assert_says(&c, "panic: number ");
    const char *first = strstr(c.err, "panic: number ");
    assert_null(strstr(first + 1, "panic: number "));
}

static int app_misuse(int argc, char **argv)
{
    (void)argc, (void)argv;
    oak_mutex m = {0};
    oak_mutex_unlock(&m);
    return 0;
}

static void misuse_names_the_call(void **state)
{
    (void)state;
    run_child(&c, app_misuse);
    assert_true(ended_by(&c, SIGABRT));
    assert_says(&c, "panic: unlock of unlocked mutex 0x");
    assert_says(&c, "app_misuse");
}

/* ---- a panic of a plain thread ---- */

static int thread_panics(void)
{
    oak_defer(say, (void *)"thread");
    oak_panic("in a thread");
}

static void panic_of_a_thread_aborts_too(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        thread_panics();
    }
    close(fds[1]);
    read_all(fds[0], c.err, sizeof c.err);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &c.status, 0), pid);
    assert_true(ended_by(&c, SIGABRT));
    assert_says(&c, "deferred: thread\npanic: in a thread\n");
}

/* ---- children that overrun the shutdown of their scope ---- */

static int64_t deaf_for;
static _Atomic int deaf_ones;

OAK_TASK(deaf, int, i)
{
    static const char *const names[] = {"deaf one", "deaf two"};
    oak_set_name(names[i]);
    deaf_ones++;
    oak_shield (OAK_FOREVER)
        (void)oak_sleep(deaf_for);
}

OAK_TASK(obedient, int, unused)
{
    (void)unused;
    oak_set_name("obedient");
    (void)oak_sleep(OAK_HOUR);
}

static int app_overrun(int argc, char **argv)
{
    (void)argc, (void)argv;
    int err = 0;
    /* Also on a machine that stands still now and then the obedient one has ended by then, and these have not. */
    deaf_for = 1500 * OAK_MILLISECOND;
    oak_scope (s, .name = "closing time", .shutdown = 300 * OAK_MILLISECOND, .err = &err) {
        for (int i = 0; i < 2; i++)
            expect(oak_go(s, deaf, i) == 0);
        expect(oak_go(s, obedient, 0) == 0);
        wait_until(deaf_ones == 2);
        expect(oak_scope_cancel(s, 0) == 0);
    }
    return err == -ECANCELED ? 7 : 8;
}

static void children_that_overrun_are_named(void **state)
{
    (void)state;
    run_child(&c, app_overrun);
    assert_true(exited_with(&c, 7));
    assert_says(&c, "oakum: scope closing time opened at app_overrun");
    assert_says(&c, "2 children have not ended 0.300 s after it was cancelled:");
    assert_says(&c, "\"deaf one\"");
    assert_says(&c, "\"deaf two\"");
    assert_says(&c, "sleep");
    assert_says(&c, "created by goroutine 1 in app_overrun");
    assert_says_not(&c, "obedient");
}

static int app_in_time(int argc, char **argv)
{
    (void)argc, (void)argv;
    deaf_for = 100 * OAK_MILLISECOND;
    oak_scope (s, .shutdown = OAK_MINUTE) {
        for (int i = 0; i < 2; i++)
            expect(oak_go(s, deaf, i) == 0);
        expect(oak_scope_cancel(s, 0) == 0);
    }
    return 7;
}

static void children_that_end_in_time_are_not_named(void **state)
{
    (void)state;
    run_child(&c, app_in_time);
    assert_true(exited_with(&c, 7));
    assert_string_equal(c.err, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panic_prints_all_goroutines_and_aborts),
        cmocka_unit_test(replaced_panics_are_told_in_order),
        cmocka_unit_test(recover_does_not_reach_a_free_goroutine),
        cmocka_unit_test(one_panic_is_told_when_many_happen),
        cmocka_unit_test(misuse_names_the_call),
        cmocka_unit_test(panic_of_a_thread_aborts_too),
        cmocka_unit_test(children_that_overrun_are_named),
        cmocka_unit_test(children_that_end_in_time_are_not_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
