/* The periodic check: when it runs, what it counts, how it stops; under load, with fork, and one at a time. */
#include "base/common.h"
#include "base/os.h"

#include <oakum.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic int calls, inside, twice, proven_seen, suspects_seen, stop_result;
static _Atomic bool stop_in_call, reclaim_in_call;
static void *expected_arg = &calls;
static _Atomic bool arg_was_right;

static void tell(oak_leak_report *r, void *arg)
{
    char text[4096];
    if (atomic_fetch_add(&inside, 1))
        atomic_store(&twice, 1);
    atomic_store(&arg_was_right, arg == expected_arg);
    FILE *f = fmemopen(text, sizeof text, "w");
    (void)!oak_leak_print(r, f);
    fclose(f);
    atomic_store(&proven_seen, (int)oak_leak_count(r, OAK_LEAKED));
    atomic_store(&suspects_seen, (int)oak_leak_count(r, OAK_SUSPECT));
    if (atomic_load(&reclaim_in_call))
        (void)!oak_leak_reclaim(r, NULL, NULL);
    if (atomic_load(&stop_in_call))
        atomic_store(&stop_result, oak_leak_watch_stop());
    atomic_fetch_sub(&inside, 1);
    atomic_fetch_add(&calls, 1);
}

static void wait_for_calls(int n)
{
    int want = atomic_load(&calls) + n;
    while (atomic_load(&calls) < want)
        (void)!oak_sleep(OAK_MILLISECOND);
}

static struct oak_leak_watch_stats stats(void)
{
    struct oak_leak_watch_stats s;
    assert_int_equal(oak_leak_watch_stats(&s), 0);
    return s;
}

static int start(int64_t interval)
{
    const struct oak_leak_watch_opts o = {.interval = interval, .fn = tell, .arg = expected_arg};
    return oak_leak_watch_start(&o);
}

static void block_for_ever(void *arg)
{
    (void)arg;
    (void)!oak_recv((oak_chan(int))NULL, &(int){0});
}

static void leak(int n)
{
    struct oak_stats s;
    uint64_t waiting = 0;
    oak_stats_read(&s);
    waiting = s.waiting + (uint64_t)n;
    for (int i = 0; i < n; i++)
        assert_int_equal(oak_spawn(block_for_ever, NULL), 0);
    do {
        (void)!oak_sleep(OAK_MILLISECOND);
        oak_stats_read(&s);
    } while (s.waiting < waiting);
}

static void checks_again_and_again(void **state)
{
    (void)state;
    struct oak_leak_watch_stats before = stats();
    assert_false(before.running);
    assert_int_equal(start(OAK_MILLISECOND), 0);
    wait_for_calls(5);
    assert_true(stats().running);
    assert_int_equal(oak_leak_watch_stop(), 0);
    struct oak_leak_watch_stats after = stats();
    assert_false(after.running);
    assert_true(after.checks >= before.checks + 5);
    assert_int_equal(after.failed, before.failed);
    assert_true(after.last_pause > 0 && after.longest_pause >= after.last_pause);
    assert_true(after.last_duration >= after.last_pause);
    assert_true(atomic_load(&arg_was_right));
}

static void none_after_it_was_stopped(void **state)
{
    (void)state;
    assert_int_equal(start(1), 0);
    wait_for_calls(2);
    assert_int_equal(oak_leak_watch_stop(), 0);
    struct oak_leak_watch_stats before = stats();
    int n = atomic_load(&calls);
    (void)!oak_sleep(100 * OAK_MILLISECOND);
    assert_int_equal(stats().checks, before.checks);
    assert_int_equal(atomic_load(&calls), n);
    assert_int_equal(oak_leak_watch_stop(), -ESRCH);
}

static void stopping_does_not_wait_for_the_interval(void **state)
{
    (void)state;
    struct oak_leak_watch_stats before = stats();
    assert_int_equal(start(OAK_HOUR), 0);
    assert_int_equal(oak_leak_watch_stop(), 0);
    assert_int_equal(stats().checks, before.checks);
}

static void only_one(void **state)
{
    (void)state;
    assert_int_equal(start(OAK_HOUR), 0);
    assert_int_equal(start(OAK_HOUR), -EALREADY);
    assert_int_equal(oak_leak_watch_stop(), 0);
    assert_int_equal(start(OAK_HOUR), 0);
    assert_int_equal(oak_leak_watch_stop(), 0);
}

static void bad_options(void **state)
{
    (void)state;
    struct oak_leak_watch_opts o = {.interval = -1};
    assert_int_equal(oak_leak_watch_start(&o), -EINVAL);
    o = (struct oak_leak_watch_opts){.check = {.suspect_after = -1}};
    assert_int_equal(oak_leak_watch_start(&o), -EINVAL);
    assert_int_equal(oak_leak_watch_stats(NULL), -EINVAL);
    assert_int_equal(oak_leak_watch_start(NULL), 0);
    assert_int_equal(oak_leak_watch_stop(), 0);
}

static void may_be_stopped_in_the_call_back(void **state)
{
    (void)state;
    atomic_store(&stop_in_call, true);
    assert_int_equal(start(OAK_MILLISECOND), 0);
    wait_for_calls(1);
    while (start(OAK_HOUR) == -EALREADY)
        (void)!oak_sleep(OAK_MILLISECOND);
    atomic_store(&stop_in_call, false);
    assert_int_equal(atomic_load(&stop_result), 0);
    assert_int_equal(oak_leak_watch_stop(), 0);
}

static void a_check_that_fails_is_counted(void **state)
{
    (void)state;
    struct oak_leak_watch_stats before = stats();
    oak__fault_set(OAK__FAULT_FORK, 0, 2, EAGAIN);
    assert_int_equal(start(OAK_MILLISECOND), 0);
    wait_for_calls(1);
    assert_int_equal(oak_leak_watch_stop(), 0);
    oak__fault_set(OAK__FAULT_FORK, 0, 0, 0);
    assert_int_equal(stats().failed, before.failed + 2);
    assert_int_equal(stats().last_error, -EAGAIN);
}

static void each_leak_is_counted_once(void **state)
{
    (void)state;
    struct oak_leak_watch_stats before = stats();
    leak(3);
    assert_int_equal(start(OAK_MILLISECOND), 0);
    wait_for_calls(4);
    assert_int_equal(atomic_load(&proven_seen), 3);
    assert_int_equal(stats().proven_total, before.proven_total + 3);
    leak(2);
    wait_for_calls(4);
    assert_int_equal(oak_leak_watch_stop(), 0);
    assert_int_equal(atomic_load(&proven_seen), 5);
    assert_int_equal(stats().proven_total, before.proven_total + 5);
    assert_int_equal(stats().proven, 5);
    /* Nor by the next watch. */
    assert_int_equal(start(OAK_MILLISECOND), 0);
    wait_for_calls(2);
    assert_int_equal(oak_leak_watch_stop(), 0);
    assert_int_equal(stats().proven_total, before.proven_total + 5);
}

static void the_call_back_may_give_leaks_back(void **state)
{
    (void)state;
    leak(1);
    atomic_store(&reclaim_in_call, true);
    assert_int_equal(start(OAK_MILLISECOND), 0);
    do
        wait_for_calls(1);
    while (atomic_load(&proven_seen) > 0);
    atomic_store(&reclaim_in_call, false);
    assert_int_equal(oak_leak_watch_stop(), 0);
    assert_int_equal(oak_leak_verify_none(&(struct oak_leak_verify_opts){.grace = OAK_MINUTE}), 0);
}

static oak_chan(int) gate;

static void at_gate(void *arg)
{
    (void)arg;
    (void)!oak_recv(gate, &(int){0});
}

static void growth_is_seen_from_one_check_to_the_next(void **state)
{
    (void)state;
    const struct oak_leak_watch_opts o = {
        .interval = OAK_MILLISECOND,
        .check = {.suspect_after = OAK_FOREVER, .suspect_count = UINT64_MAX, .suspect_growth = 1},
        .fn = tell};
    gate = oak_make(int, 0);
    assert_int_equal(oak_leak_watch_start(&o), 0);
    wait_for_calls(2);
    assert_int_equal(atomic_load(&suspects_seen), 0);
    int seen = 0;
    for (int i = 0; i < 1000 && !seen; i++) {
        assert_int_equal(oak_spawn(at_gate, NULL), 0);
        wait_for_calls(1);
        seen = atomic_load(&suspects_seen);
    }
    assert_true(seen > 0);
    do
        wait_for_calls(1);
    while (atomic_load(&suspects_seen) > 0);
    assert_int_equal(oak_leak_watch_stop(), 0);
    oak_chan_close(gate);
    assert_int_equal(oak_leak_verify_none(&(struct oak_leak_verify_opts){.grace = OAK_MINUTE}), 0);
    oak_chan_free(gate);
}

static void nothing_to_tell(void *arg)
{
    (void)arg;
}

/* Goroutines come and go, others check by themselves, while the watch is started and stopped. */
static void under_load_one_at_a_time(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        assert_int_equal(start(1), 0);
        for (int i = 0; i < 200; i++)
            assert_int_equal(oak_spawn(nothing_to_tell, NULL), 0);
        oak_leak_report *r;
        int err = oak_leak_check(NULL, &r);
        assert_true(err == 0 ||
                    (OAK_TSAN && err == -EIO)); /* its run-time library may be amid something in the clone */
        assert_int_equal(oak_leak_count(r, OAK_LEAKED), 0);
        oak_leak_report_free(r);
        wait_for_calls(2);
        assert_int_equal(oak_leak_watch_stop(), 0);
    }
    assert_int_equal(atomic_load(&twice), 0);
    assert_int_equal(atomic_load(&inside), 0);
}

static int in_child(void)
{
    struct oak_leak_watch_stats s;
    if (oak_leak_watch_stats(&s) || s.running)
        return 1;
    if (oak_leak_watch_stop() != -ESRCH)
        return 2;
    return start(OAK_MILLISECOND) == -EAGAIN ? 0 : 3;
}

static void children_of_fork_have_none_and_the_parents_goes_on(void **state)
{
    (void)state;
    assert_int_equal(start(1), 0);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(in_child());
        int status;
        assert_true(pid > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    wait_for_calls(2);
    assert_int_equal(oak_leak_watch_stop(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_again_and_again),
        cmocka_unit_test(none_after_it_was_stopped),
        cmocka_unit_test(stopping_does_not_wait_for_the_interval),
        cmocka_unit_test(only_one),
        cmocka_unit_test(bad_options),
        cmocka_unit_test(may_be_stopped_in_the_call_back),
        cmocka_unit_test(a_check_that_fails_is_counted),
        cmocka_unit_test(each_leak_is_counted_once),
        cmocka_unit_test(the_call_back_may_give_leaks_back),
        cmocka_unit_test(growth_is_seen_from_one_check_to_the_next),
        cmocka_unit_test(under_load_one_at_a_time),
        cmocka_unit_test(children_of_fork_have_none_and_the_parents_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
