/* oak_leak_verify_none: what it fails on, what it leaves out, how long it waits; and the cmocka glue. */
#include "base/common.h"

#include <oakum.h>
#include <oakum/cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* No inlining: the tests go by the names on stacks. */
static oak_chan(int) gate;

static NOINLINE void blocks_at_gate(void)
{
    int v;
    (void)!oak_recv(gate, &v);
    __asm__ volatile("");
}

static NOINLINE void goes_to_gate(void *arg)
{
    (void)arg;
    blocks_at_gate();
    __asm__ volatile("");
}

static void blocks_for_ever(void *arg)
{
    (void)arg;
    (void)!oak_recv((oak_chan(int))NULL, &(int){0});
}

static void sleeps_a_little(void *arg)
{
    (void)arg;
    (void)!oak_sleep(30 * OAK_MILLISECOND);
}

OAK_TASK(a_task, int, unused)
{
    (void)unused;
    blocks_at_gate();
    __asm__ volatile("");
}

static NOINLINE void start(void (*fn)(void *), void *arg)
{
    assert_int_equal(oak_spawn(fn, arg), 0);
}

static NOINLINE void starts_one(void)
{
    start(goes_to_gate, NULL);
    __asm__ volatile("");
}

static bool count_waiting(const struct oak_goroutine_info *g, void *arg)
{
    *(int *)arg += g->state == OAK_STATE_WAITING;
    return true;
}

static void settle(int n)
{
    int waiting;
    do {
        (void)!oak_sleep(OAK_MILLISECOND);
        waiting = 0;
        oak_goroutines(count_waiting, &waiting);
    } while (waiting != n);
}

static int open_gate(void **state)
{
    (void)state;
    gate = oak_make(int, 0);
    return gate ? 0 : -1;
}

/* Whoever waits at the gate ends. */
static int close_gate(void **state)
{
    (void)state;
    oak_chan_close(gate);
    while (oak_leak_verify_none(&(struct oak_leak_verify_opts){.ignore_any = OAK_NAMES("blocks_for_ever")}))
        ;
    oak_chan_free(gate);
    gate = NULL;
    return 0;
}

static char text[1 << 16];

static int verify(struct oak_leak_verify_opts opts)
{
    FILE *f = fmemopen(text, sizeof text, "w");
    opts.out = f;
    int n = oak_leak_verify_none(&opts);
    fclose(f);
    return n;
}

#define SHORT (20 * OAK_MILLISECOND)

static void nobody(void **state)
{
    (void)state;
    assert_int_equal(oak_leak_verify_none(NULL), 0);
    start(sleeps_a_little, NULL);
    assert_int_equal(verify((struct oak_leak_verify_opts){.grace = OAK_MINUTE}), 0);
    assert_string_equal(text, "");
}

static void those_still_there_after_the_grace(void **state)
{
    (void)state;
    start(goes_to_gate, NULL);
    start(goes_to_gate, NULL);
    settle(2);
    assert_int_equal(verify((struct oak_leak_verify_opts){.grace = SHORT}), 2);
    assert_non_null(strstr(text, "2 goroutines left after "));
    assert_non_null(strstr(text, ": 0 leaked (proven), 2 still there\n"));
    assert_non_null(strstr(text, "\nstill there: 2 goroutines waiting (chan receive)"));
    assert_non_null(strstr(text, "blocked in oak_recv at blocks_at_gate"));
    assert_null(strstr(text, "\nleaked:"));
}

static void not_those_that_were_there_before(void **state)
{
    (void)state;
    start(goes_to_gate, NULL);
    oak_leak_mark *before = oak_leak_mark_take();
    assert_non_null(before);
    assert_int_equal(verify((struct oak_leak_verify_opts){.current = before}), 0);
    start(goes_to_gate, NULL);
    assert_int_equal(verify((struct oak_leak_verify_opts){.current = before, .grace = SHORT}), 1);
    oak_leak_mark_free(before);
}

static void not_those_whose_top_function_is_listed(void **state)
{
    (void)state;
    start(goes_to_gate, NULL);
    settle(1);
    assert_int_equal(
        verify((struct oak_leak_verify_opts){.ignore_top = OAK_NAMES("other", "blocks_at_gate")}), 0);
    assert_int_equal(
        verify((struct oak_leak_verify_opts){.grace = SHORT, .ignore_top = OAK_NAMES("goes_to_gate")}), 1);
    assert_int_equal(
        verify((struct oak_leak_verify_opts){.grace = SHORT, .ignore_top = OAK_NAMES("blocks_at")}), 1);
}

static void not_those_with_a_listed_function_on_their_stack(void **state)
{
    (void)state;
    start(goes_to_gate, NULL);
    settle(1);
    assert_int_equal(verify((struct oak_leak_verify_opts){.ignore_any = OAK_NAMES("goes_to_gate")}), 0);
    assert_int_equal(verify((struct oak_leak_verify_opts){.ignore_any = OAK_NAMES("blocks_at_gate")}), 0);
    assert_int_equal(
        verify((struct oak_leak_verify_opts){.grace = SHORT, .ignore_any = OAK_NAMES("starts_one")}), 1);
}

static void not_those_that_a_listed_function_created(void **state)
{
    (void)state;
    starts_one();
    settle(1);
    assert_int_equal(
        verify((struct oak_leak_verify_opts){.grace = SHORT, .ignore_created_by = OAK_NAMES("goes_to_gate")}),
        1);
    start(goes_to_gate, NULL);
    settle(2);
    assert_int_equal(
        verify((struct oak_leak_verify_opts){.grace = SHORT, .ignore_created_by = OAK_NAMES("start")}), 0);
}

static void tasks_by_their_names(void **state)
{
    (void)state;
    assert_int_equal(oak_go_detached(a_task, 1), 0);
    settle(1);
    assert_int_equal(verify((struct oak_leak_verify_opts){.ignore_any = OAK_NAMES("a_task")}), 0);
}

static void ask(void *arg)
{
    /* A child that has ended may take a moment to go. */
    *(int *)arg = verify((struct oak_leak_verify_opts){.grace = 30 * OAK_SECOND});
}

static int ask_as_a_child(int argc, char **argv)
{
    (void)argc, (void)argv;
    int n = -1, m = -1;
    oak_scope (s) {
        const struct oak_spawn_opts o = {.scope = s};
        if (oak_spawn_with(&o, ask, &n))
            abort();
    }
    oak_ctx *c = oak_ctx_new(NULL);
    oak_ctx_cancel(c, 0);
    oak_with_ctx (c)
        ask(&m);
    oak_ctx_unref(c);
    return n == 0 && m == 0 ? 0 : 1;
}

static void not_the_caller_and_those_that_it_descends_from(void **state)
{
    (void)state;
    assert_int_equal(oak_run(ask_as_a_child, 0, NULL), 0);
}

static int ask_in_a_cancelled_goroutine(int argc, char **argv)
{
    (void)argc, (void)argv;
    int n = -1;
    start(goes_to_gate, NULL);
    oak_ctx *c = oak_ctx_new(NULL);
    oak_ctx_cancel(c, 0);
    oak_with_ctx (c)
        n = verify((struct oak_leak_verify_opts){.grace = SHORT});
    oak_ctx_unref(c);
    return n;
}

static void works_in_a_goroutine_whose_context_has_ended(void **state)
{
    (void)state;
    assert_int_equal(oak_run(ask_in_a_cancelled_goroutine, 0, NULL), 1);
}

static void bad_options(void **state)
{
    (void)state;
    assert_int_equal(verify((struct oak_leak_verify_opts){.grace = -1}), -EINVAL);
}

/* It will be there to the end of this program: the last test. */
static void a_proven_leak_without_waiting_for_the_grace(void **state)
{
    (void)state;
    start(goes_to_gate, NULL);
    start(blocks_for_ever, NULL);
    settle(2);
    assert_int_equal(verify((struct oak_leak_verify_opts){.grace = OAK_HOUR}), 1);
    assert_non_null(strstr(text, "1 goroutine left after "));
    assert_non_null(strstr(text, ": 1 leaked (proven), 0 still there\n1 more had not ended yet"));
    assert_non_null(strstr(text, "\nleaked: 1 goroutine waiting (chan receive (nil chan))"));
    assert_non_null(strstr(text, "why: a nil channel is never ready"));
    assert_int_equal(verify((struct oak_leak_verify_opts){.grace = SHORT}), 2);
    assert_non_null(strstr(text, ": 1 leaked (proven), 1 still there\n"));
}

/* ---- the glue, in a process of its own ---- */

static void leaves_one(void **state)
{
    (void)state;
    start(blocks_for_ever, NULL);
}

static void leaves_none(void **state)
{
    (void)state;
    start(sleeps_a_little, NULL);
}

static int in_a_child(int (*run)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(99);
        _exit(run());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int good_tests(void)
{
    const struct CMUnitTest tests[] = {oak_leak_unit_test(leaves_none), oak_leak_unit_test(leaves_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

static int bad_tests(void)
{
    const struct CMUnitTest tests[] = {oak_leak_unit_test(leaves_none), oak_leak_unit_test(leaves_one),
                                       oak_leak_unit_test(leaves_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

static int good_group(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(leaves_none), cmocka_unit_test(leaves_none)};
    return oak_leak_run_group_tests(tests, NULL, NULL);
}

static int bad_group(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(leaves_one), cmocka_unit_test(leaves_none)};
    return oak_leak_run_group_tests(tests, NULL, NULL);
}

static void a_cmocka_test_that_leaks_fails_and_the_next_does_not(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(good_tests), 0);
    assert_int_equal(in_a_child(bad_tests), 1);
}

static void a_cmocka_group_that_leaks_fails(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(good_group), 0);
    assert_int_equal(in_a_child(bad_group), 1);
}

#define at_gate(f) cmocka_unit_test_setup_teardown(f, open_gate, close_gate)

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* before the runtime is started in this process */
        cmocka_unit_test(a_cmocka_test_that_leaks_fails_and_the_next_does_not),
        cmocka_unit_test(a_cmocka_group_that_leaks_fails),
        at_gate(nobody),
        at_gate(those_still_there_after_the_grace),
        at_gate(not_those_that_were_there_before),
        at_gate(not_those_whose_top_function_is_listed),
        at_gate(not_those_with_a_listed_function_on_their_stack),
        at_gate(not_those_that_a_listed_function_created),
        at_gate(tasks_by_their_names),
        at_gate(not_the_caller_and_those_that_it_descends_from),
        at_gate(works_in_a_goroutine_whose_context_has_ended),
        at_gate(bad_options),
        at_gate(a_proven_leak_without_waiting_for_the_grace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
