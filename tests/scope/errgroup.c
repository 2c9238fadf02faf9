/* The error group: first error, limit, cancellation. */
#include "../support/goroutine.h"

#include "base/os.h"

static _Atomic int running, most, ended;

static void reset(void)
{
    running = most = ended = 0;
}

static int work(void *arg)
{
    int n = ++running;
    for (int m = most; n > m && !atomic_compare_exchange_weak(&most, &m, n);)
        ;
    int err = oak_sleep((intptr_t)arg * OAK_MICROSECOND);
    running--;
    ended++;
    return err;
}

static int fail_with(void *err)
{
    (void)oak_sleep(100 * OAK_MICROSECOND);
    return (int)(intptr_t)err;
}

static int until_cancelled(void *err)
{
    *(int *)err = oak_sleep(OAK_HOUR);
    ended++;
    return -EIO;
}

TEST(waits_for_all)
{
    reset();
    oak_errgroup *g = oak_errgroup_new(0);
    for (intptr_t i = 0; i < 50; i++)
        expect(oak_errgroup_go(g, work, (void *)i) == 0);
    expect(oak_errgroup_wait(g) == 0);
    expect(ended == 50);
}

TEST(limit_bounds_those_at_a_time)
{
    reset();
    oak_errgroup *g = oak_errgroup_new(3);
    for (intptr_t i = 0; i < 50; i++)
        expect(oak_errgroup_go(g, work, (void *)(i % 7 * 20)) == 0);
    expect(oak_errgroup_wait(g) == 0);
    expect(ended == 50 && most <= 3);
}

TEST(first_error_cancels_the_rest_and_is_the_result)
{
    int err[3];
    reset();
    oak_errgroup *g = oak_errgroup_new(0);
    for (int i = 0; i < 3; i++)
        expect(oak_errgroup_go(g, until_cancelled, &err[i]) == 0);
    expect(oak_ctx_err(oak_errgroup_ctx(g)) == 0);
    expect(oak_errgroup_go(g, fail_with, (void *)(intptr_t)-EPROTO) == 0);
    expect(oak_errgroup_wait(g) == -EPROTO);
    expect(ended == 3);
    for (int i = 0; i < 3; i++)
        expect(err[i] == -ECANCELED);
}

TEST(positive_results_are_no_errors)
{
    oak_errgroup *g = oak_errgroup_new(0);
    expect(oak_errgroup_go(g, fail_with, (void *)(intptr_t)5) == 0);
    expect(oak_errgroup_wait(g) == 0);
}

TEST(cancelled_wait_cancels_the_group_and_still_waits)
{
    int err[2] = {0};
    reset();
    oak_with_timeout (OAK_MILLISECOND) {
        oak_errgroup *g = NULL;
        oak_with_ctx (NULL)
            g = oak_errgroup_new(0); /* not below the time limit */
        for (int i = 0; i < 2; i++)
            expect(oak_errgroup_go(g, until_cancelled, &err[i]) == 0);
        expect(oak_errgroup_wait(g) == -EIO);
    }
    expect(ended == 2 && err[0] == -ECANCELED && err[1] == -ECANCELED);
    oak_with_timeout (0)
        expect(oak_errgroup_wait(oak_errgroup_new(0)) == -ETIMEDOUT);
}

TEST(waiting_for_a_place_is_cancelled)
{
    int err = 0;
    reset();
    oak_errgroup *g = oak_errgroup_new(1);
    expect(oak_errgroup_go(g, until_cancelled, &err) == 0);
    oak_with_timeout (OAK_MILLISECOND)
        expect(oak_errgroup_go(g, work, NULL) == -ETIMEDOUT);
    expect(oak_ctx_cancel(oak_errgroup_ctx(g), 0) == 0);
    expect(oak_errgroup_wait(g) == -EIO);
    expect(ended == 1);
}

TEST(wrong_handles_are_refused)
{
    oak_errgroup *g = oak_errgroup_new(0);
    expect(oak_errgroup_go(NULL, work, NULL) == -EINVAL);
    expect(oak_errgroup_go(g, NULL, NULL) == -EINVAL);
    expect(oak_errgroup_ctx(NULL) == NULL && oak_errgroup_wait(NULL) == -EINVAL);
    expect(oak_errgroup_wait(g) == 0);
    oak__fault_set(OAK__FAULT_MALLOC, 0, 1, ENOMEM);
    expect(oak_errgroup_new(0) == NULL);
    oak__fault_set(OAK__FAULT_MALLOC, 1, 1, ENOMEM);
    expect(oak_errgroup_new(0) == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_all),
        cmocka_unit_test(limit_bounds_those_at_a_time),
        cmocka_unit_test(first_error_cancels_the_rest_and_is_the_result),
        cmocka_unit_test(positive_results_are_no_errors),
        cmocka_unit_test(cancelled_wait_cancels_the_group_and_still_waits),
        cmocka_unit_test(waiting_for_a_place_is_cancelled),
        cmocka_unit_test(wrong_handles_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
