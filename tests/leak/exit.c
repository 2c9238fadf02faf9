/* OAK_LEAKCHECK=1: the status of a program that leaks, by whichever door it ends. */
#include "base/common.h"

#include <oakum.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/child.h"

/* A program: what its main does; the process exits with what that returns. */
static void run_program(struct child *c, int (*program)(void), const char *leakcheck)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (leakcheck)
            setenv("OAK_LEAKCHECK", leakcheck, 1);
        else
            unsetenv("OAK_LEAKCHECK");
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        exit(program());
    }
    close(fds[1]);
    read_all(fds[0], c->err, sizeof c->err);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &c->status, 0), pid);
}

static struct child child;

static int reports(void)
{
    int n = 0;
    for (const char *at = child.err; (at = strstr(at, "leaked (proven)")); at++)
        n++;
    return n;
}

static void assert_leaks(int (*program)(void))
{
    run_program(&child, program, "1");
    if (!exited_with(&child, 23))
        fprintf(stderr, "%s", child.err);
    assert_true(exited_with(&child, 23));
    assert_int_equal(reports(), 1);
    assert_says(&child, "nil channel");
}

static void assert_ends(int (*program)(void), const char *leakcheck, int status)
{
    run_program(&child, program, leakcheck);
    assert_true(exited_with(&child, status));
    assert_int_equal(reports(), 0);
}

/* ---- programs ---- */

static oak_chan(int) nowhere;

static void leak(void *arg)
{
    (void)arg;
    int v;
    (void)!oak_recv(nowhere, &v);
}

static void leak_one(void)
{
    struct oak_stats s;
    if (oak_spawn(leak, NULL))
        abort();
    do {
        oak_sleep(OAK_MILLISECOND);
        oak_stats_read(&s);
    } while (s.waiting == 0);
}

static int app_leaks(int argc, char **argv)
{
    (void)argc, (void)argv;
    leak_one();
    return 0;
}

static int app_leaks_and_fails(int argc, char **argv)
{
    app_leaks(argc, argv);
    return 3;
}

static int app_fails(int argc, char **argv)
{
    (void)argc, (void)argv;
    return 3;
}

static int app_leaks_and_exits(int argc, char **argv)
{
    app_leaks(argc, argv);
    exit(0);
}

static int app_exits_cancelled(int argc, char **argv)
{
    app_leaks(argc, argv);
    oak_ctx *c = oak_ctx_new(NULL);
    oak_ctx_cancel(c, 0);
    oak_with_ctx (c)
        exit(0);
    return 0;
}

static void exit_from_here(void *arg)
{
    (void)arg;
    leak_one();
    exit(4);
}

static int app_another_exits(int argc, char **argv)
{
    (void)argc, (void)argv;
    if (oak_spawn(exit_from_here, NULL))
        abort();
    return oak_sleep(OAK_MINUTE);
}

static int returns_what_oak_run_says(void)
{
    return oak_run(app_leaks, 0, NULL);
}

static int ignores_what_oak_run_says(void)
{
    (void)!oak_run(app_leaks, 0, NULL);
    return 0;
}

static int leaks_and_fails(void)
{
    return oak_run(app_leaks_and_fails, 0, NULL);
}

static int never_calls_oak_run(void)
{
    leak_one();
    return 0;
}

static int exits_in_main_goroutine(void)
{
    return oak_run(app_leaks_and_exits, 0, NULL);
}

static int exits_in_cancelled_goroutine(void)
{
    return oak_run(app_exits_cancelled, 0, NULL);
}

static int exits_in_another_goroutine(void)
{
    return oak_run(app_another_exits, 0, NULL);
}

static int fails(void)
{
    return oak_run(app_fails, 0, NULL);
}

static int uses_nothing(void)
{
    return 5;
}

/* A child of fork(2) has none of its parent's goroutines. */
static int forks(void)
{
    leak_one();
    pid_t pid = fork();
    if (pid == 0)
        exit(6);
    int status = 0;
    waitpid(pid, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}

/* ---- tests ---- */

static void a_leak_when_main_returns(void **state)
{
    (void)state;
    assert_leaks(returns_what_oak_run_says);
    assert_leaks(ignores_what_oak_run_says);
    assert_leaks(never_calls_oak_run);
}

static void a_leak_when_a_goroutine_calls_exit(void **state)
{
    (void)state;
    assert_leaks(exits_in_main_goroutine);
    assert_leaks(exits_in_another_goroutine);
    assert_leaks(exits_in_cancelled_goroutine);
}

static void a_leak_goes_before_other_failures(void **state)
{
    (void)state;
    assert_leaks(leaks_and_fails);
}

static void without_leaks_the_status_is_the_programs(void **state)
{
    (void)state;
    assert_ends(fails, "1", 3);
    assert_ends(uses_nothing, "1", 5);
}

static void unless_asked_nothing_is_checked(void **state)
{
    (void)state;
    assert_ends(leaks_and_fails, NULL, 3);
    assert_ends(leaks_and_fails, "0", 3);
}

static void a_forked_child_is_not_checked(void **state)
{
    (void)state;
    assert_ends(forks, "1", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leak_when_main_returns),
        cmocka_unit_test(a_leak_when_a_goroutine_calls_exit),
        cmocka_unit_test(a_leak_goes_before_other_failures),
        cmocka_unit_test(without_leaks_the_status_is_the_programs),
        cmocka_unit_test(unless_asked_nothing_is_checked),
        cmocka_unit_test(a_forked_child_is_not_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
