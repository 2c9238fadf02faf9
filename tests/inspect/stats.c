#include "../support/goroutine.h"

#include "base/os.h"

static void null_is_refused_and_zero_before_the_start(void **state)
{
    (void)state;
    struct oak_stats s = {.created = 1};
    assert_int_equal(oak_stats_read(NULL), -EINVAL);
    assert_int_equal(oak_stats_read(&s), 0);
    assert_int_equal(s.created, 0);
    assert_int_equal(s.procs, 0);
}

static oak_chan(int) gate;

static void waiter(void *arg)
{
    int v;
    (void)arg;
    (void)!oak_recv(gate, &v);
}

static struct oak_stats now(void)
{
    struct oak_stats s;
    expect(oak_stats_read(&s) == 0);
    return s;
}

TEST(created_and_ended_count_every_goroutine)
{
    enum { N = 1000 };
    struct oak_stats before = now();
    gate = oak_make(int, 0);
    for (int i = 0; i < N; i++)
        expect(oak_spawn(waiter, NULL) == 0);
    struct oak_stats during;
    do { /* the P of this one may be gone for a moment: then it counts as in a system call */
        (void)oak_sleep(100 * OAK_MICROSECOND);
        during = now();
    } while (during.waiting != N || during.running != 1);
    expect(during.created == before.created + N);
    expect(during.ended == before.ended);
    expect(during.runnable == 0 && during.syscall == 0);
    expect(during.stack_bytes >= (uint64_t)N * 16384);
    expect(during.descriptor_bytes > before.descriptor_bytes - 1);
    oak_chan_close(gate);
    wait_until(now().ended == before.ended + N);
    expect(now().waiting == 0);
    expect(oak_chan_free(gate) == 0);
}

TEST(procs_and_threads_are_those_of_the_runtime)
{
    expect(now().procs == (uint32_t)oak_procs());
    expect(now().threads >= 2); /* the one that this runs on, and the monitor */
}

static _Atomic bool stop;

static void hog(void *arg)
{
    (void)arg;
    while (!load_acquire(&stop))
        cpu_relax();
}

TEST(goroutines_whose_P_was_taken_count_as_syscall)
{
    for (int i = 0; i <= oak_procs(); i++)
        expect(oak_spawn(hog, NULL) == 0);
    wait_until(now().syscall > 0);
    store_release(&stop, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_refused_and_zero_before_the_start),
        cmocka_unit_test(created_and_ended_count_every_goroutine),
        cmocka_unit_test(procs_and_threads_are_those_of_the_runtime),
        cmocka_unit_test(goroutines_whose_P_was_taken_count_as_syscall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
