/* Clocks, futexes, threads, the barrier. */
#include "base/os.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static void now_is_monotonic_time_and_sleep_is_not_short(void **state)
{
    (void)state;
    struct timespec ts;
    int64_t before = oak__os_now();
    clock_gettime(CLOCK_MONOTONIC, &ts);
    int64_t between = ts.tv_sec * OAK_SECOND + ts.tv_nsec;
    assert_true(before <= between && between <= oak__os_now());
    oak__os_sleep(3 * OAK_MILLISECOND);
    assert_true(oak__os_now() >= between + 3 * OAK_MILLISECOND);
    oak__os_sleep(0);
    oak__os_sleep(-OAK_SECOND);
}

static void seeds_differ(void **state)
{
    (void)state;
    assert_true(oak__os_random() != oak__os_random());
}

static void futex_wait_ends_at_the_absolute_time(void **state)
{
    (void)state;
    _Atomic uint32_t word = 5;
    int64_t until = oak__os_now() + 3 * OAK_MILLISECOND;
    assert_int_equal(oak__os_futex_wait(&word, 5, until), -ETIMEDOUT);
    assert_true(oak__os_now() >= until);
    assert_int_equal(oak__os_futex_wait(&word, 5, until), -ETIMEDOUT);
    assert_int_equal(oak__os_futex_wait(&word, 5, -1), -ETIMEDOUT);
    assert_int_equal(oak__os_futex_wait(&word, 4, OAK_FOREVER), -EAGAIN);
}

static _Atomic uint32_t started, released;
static char thread_name[16];
static sigset_t thread_mask;
static size_t thread_stack;
static _Atomic int thread_id;

static void *body(void *arg)
{
    (void)arg;
    pthread_attr_t attr;
    void *lo;
    prctl(PR_GET_NAME, thread_name);
    pthread_sigmask(SIG_BLOCK, NULL, &thread_mask);
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, &lo, &thread_stack);
    pthread_attr_destroy(&attr);
    store_relaxed(&thread_id, oak__os_gettid());
    store_release(&started, 1);
    oak__os_futex_wake(&started, 1);
    while (load_acquire(&released) == 0)
        oak__os_futex_wait(&released, 0, OAK_FOREVER);
    store_release(&started, 2);
    oak__os_futex_wake(&started, 1);
    return NULL;
}

static void wait_until(uint32_t old)
{
    while (load_acquire(&started) == old)
        oak__os_futex_wait(&started, old, OAK_FOREVER);
}

static void thread_has_its_name_stack_and_the_creators_mask(void **state)
{
    (void)state;
    sigset_t usr1, before;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, &before);
    assert_int_equal(oak__os_thread(body, NULL, "oak-test"), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    wait_until(0);
    assert_string_equal(thread_name, "oak-test");
    assert_true(sigismember(&thread_mask, SIGUSR1));
    assert_false(sigismember(&thread_mask, SIGUSR2));
    assert_true(thread_stack >= 8 << 20);
    assert_int_not_equal(load_relaxed(&thread_id), oak__os_gettid());
    assert_true(oak__os_thread_cpu(load_relaxed(&thread_id)) > 0);
    while (oak__os_thread_runnable((int)load_relaxed(&thread_id))) /* it is on its way to sleep */
        oak__os_sleep(OAK_MILLISECOND);
    store_release(&released, 1);
    oak__os_futex_wake(&released, 1);
    wait_until(1);
}

static void thread_cpu_time_grows_with_work_only_of_that_thread(void **state)
{
    (void)state;
    int tid = oak__os_gettid();
    int64_t first = oak__os_thread_cpu(tid);
    assert_true(first > 0);
    for (volatile int i = 0; i < 3000000; i++)
        ;
    int64_t second = oak__os_thread_cpu(tid);
    assert_true(second > first);
    int64_t wall = oak__os_now();
    oak__os_sleep(50 * OAK_MILLISECOND);
    /* Asleep it used less than it slept, however busy the machine. */
    assert_true(oak__os_thread_cpu(tid) - second < oak__os_now() - wall);
    assert_true(oak__os_thread_cpu(0x3ffffff) < 0);
}

static void thread_is_runnable_while_it_does_not_sleep(void **state)
{
    (void)state;
    assert_true(oak__os_thread_runnable(oak__os_gettid()));
    assert_false(oak__os_thread_runnable(0x3ffffff));
}

/* Dekker: of two threads that each set their flag and then look at the other's, at least one sees it. One
 * side has the barrier, the other keeps only the compiler in order. Each waits a little first, by a different
 * amount each round, so that they meet. */
enum { ROUNDS = 20000 };
static _Atomic uint32_t flag[2] __attribute__((aligned(128))), saw[2], begin, ended;

static void dally(uint32_t turns)
{
    for (volatile uint32_t i = 0; i < turns; i++)
        ;
}

/* The other may have no processor. */
static void await(_Atomic uint32_t *word, uint32_t value)
{
    for (uint32_t spins = 1; load_acquire(word) != value; spins++)
        if (spins % 1000 == 0)
            sched_yield();
        else
            cpu_relax();
}

static void *light_side(void *arg)
{
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        await(&begin, i);
        dally(i * 7 % 61);
        store_relaxed(&flag[0], i);
        compiler_barrier();
        store_relaxed(&saw[0], load_relaxed(&flag[1]));
        store_release(&ended, i);
    }
    return arg;
}

static void barrier_orders_the_other_side(void **state)
{
    (void)state;
    if (oak__os_membarrier_init())
        skip(); /* before Linux 4.14, or an emulator */
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, light_side, NULL), 0);
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        store_release(&begin, i);
        dally(i % 67);
        store_relaxed(&flag[1], i);
        oak__os_membarrier();
        store_relaxed(&saw[1], load_relaxed(&flag[0]));
        await(&ended, i);
        assert_true(load_relaxed(&saw[0]) == i || load_relaxed(&saw[1]) == i);
    }
    pthread_join(other, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(now_is_monotonic_time_and_sleep_is_not_short),
        cmocka_unit_test(seeds_differ),
        cmocka_unit_test(futex_wait_ends_at_the_absolute_time),
        cmocka_unit_test(thread_has_its_name_stack_and_the_creators_mask),
        cmocka_unit_test(thread_cpu_time_grows_with_work_only_of_that_thread),
        cmocka_unit_test(thread_is_runnable_while_it_does_not_sleep),
        cmocka_unit_test(barrier_orders_the_other_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
