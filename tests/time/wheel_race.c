/* One wheel, several threads: owners arm and cancel, runners fire. Of each arming exactly one side hears. */
#include "base/os.h"
#include "time/wheel.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { OWNERS = 2, RUNNERS = 2, EACH = 64, ROUNDS = 400 };

static struct oak__wheel wheels[2];
static struct oak__timer timers[OWNERS][EACH];
static _Atomic uint32_t called[OWNERS][EACH][ROUNDS];
static bool cancelled[OWNERS][EACH][ROUNDS];
static _Atomic uint32_t owners_done;

static void fired(struct oak__timer *t, uint64_t arg)
{
    size_t i = (size_t)(t - &timers[0][0]);
    fetch_add_relaxed(&called[i / EACH][i % EACH][arg], 1);
}

static void *owner(void *arg)
{
    uintptr_t me = (uintptr_t)arg;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        int64_t now = oak__os_now();
        for (uint64_t i = 0; i < EACH; i++)
            oak__timer_arm(&wheels[(round + i) % 2], &timers[me][i], now + (int64_t)(i * 7919 % 300) * 1000,
                           fired, round);
        sched_yield();
        /* Some late, some in time; one that was not armed any more must have been called, now or soon. */
        for (size_t i = 0; i < EACH; i++)
            cancelled[me][i][round] = oak__timer_cancel(&timers[me][i]);
    }
    fetch_add_seq(&owners_done, 1);
    return NULL;
}

static void *runner(void *arg)
{
    while (load_seq(&owners_done) < OWNERS)
        for (int i = 0; i < 2; i++)
            oak__timers_run(&wheels[i], oak__os_now());
    return arg;
}

static void each_arming_is_cancelled_or_called_once(void **state)
{
    (void)state;
    pthread_t thread[OWNERS + RUNNERS];
    for (int i = 0; i < 2; i++)
        oak__wheel_init(&wheels[i], oak__os_now());
    for (uintptr_t i = 0; i < OWNERS + RUNNERS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, i < OWNERS ? owner : runner, (void *)i), 0);
    for (int i = 0; i < OWNERS + RUNNERS; i++)
        pthread_join(thread[i], NULL);
    uint64_t calls = 0;
    for (int o = 0; o < OWNERS; o++)
        for (int i = 0; i < EACH; i++)
            for (int round = 0; round < ROUNDS; round++) {
                uint32_t n = load_relaxed(&called[o][i][round]);
                assert_int_equal(n + cancelled[o][i][round], 1);
                calls += n;
            }
    print_message("%llu of %d fired\n", (unsigned long long)calls, OWNERS * EACH * ROUNDS);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wheels[i].count, 0);
        oak__timers_run(&wheels[i], OAK_FOREVER - 1);
        assert_true(load_relaxed(&wheels[i].next_due) == OAK_FOREVER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_arming_is_cancelled_or_called_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
