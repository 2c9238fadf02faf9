/* include/oakum/go.h with bad input. */
#include "bad.h"

#include <pthread.h>

static int app(int argc, char **argv)
{
    return argc < 0 && !argv ? 5 : 6;
}

static void run_without_an_app(void **state)
{
    (void)state;
    assert_int_equal(oak_run(NULL, 0, NULL), -EINVAL);
    assert_int_equal(oak_run(app, -1, NULL), 5);
}

TEST(run_in_a_goroutine)
{
    expect(oak_run(app, 0, NULL) == -EDEADLK && oak_run(NULL, 0, NULL) == -EINVAL);
}

static _Atomic int called;

static void call(void *arg)
{
    (void)arg;
    called++;
}

BOTH(spawning)
{
    static const size_t too_large[] = {((size_t)8 << 20) + 1, (size_t)1 << 40, SIZE_MAX, SIZE_MAX / 2};
    expect(oak_spawn(NULL, NULL) == -EINVAL);
    expect(oak_spawn_with(NULL, call, NULL) == -EINVAL);
    expect(oak_spawn_with(&(struct oak_spawn_opts){0}, NULL, NULL) == -EINVAL);
    for (size_t i = 0; i < countof(too_large); i++)
        expect(oak_spawn_with(&(struct oak_spawn_opts){.stack_size = too_large[i]}, never_called, NULL) ==
               -EINVAL);
    called = 0;
    expect(oak_spawn_with(&(struct oak_spawn_opts){.stack_size = 1, .name = ""}, call, NULL) == 0);
    wait_until(called == 1);
}

OAK_TASK(never, int, unused)
{
    never_called(&unused);
}

OAK_TASK_ERR(fails, int, err)
{
    return err;
}

BOTH(tasks)
{
    int err = 0;
    expect(oak_go(NULL, never, 1) == -EINVAL && oak_go(NULL, fails, 1) == -EINVAL);
    /* Only a negative result is an error. */
    oak_scope (s, .policy = OAK_SUPERVISE, .err = &err)
        expect(oak_go(s, fails, INT32_MAX) == 0 && oak_go(s, fails, INT32_MIN) == 0);
    expect(err == INT32_MIN);
    expect(oak_go_detached(fails, -1) == 0);
}

BOTH(sleeping)
{
    for (size_t i = 0; i < countof(absurd_past); i++)
        expect(oak_sleep(absurd_past[i]) == 0);
    oak_with_timeout (OAK_MILLISECOND)
        expect(oak_sleep(OAK_FOREVER) == -ETIMEDOUT && oak_sleep(OAK_FOREVER - 1) == -ETIMEDOUT &&
               oak_sleep(-1) == -ETIMEDOUT);
}

BOTH(names)
{
    static char long_name[5000];
    memset(long_name, 'x', sizeof long_name - 1);
    oak_set_name(long_name);
    FILE *f = fopen("/dev/null", "w");
    expect(f && oak_report(f, 0) == 0 && oak_report(f, OAK_REPORT_FULL) == 0 && fclose(f) == 0);
    oak_set_name("");
    oak_set_name(NULL);
}

BOTH(calls_that_block)
{
    expect(oak_on_thread_stack(NULL, NULL) == -EINVAL);
    for (int i = 0; i < 2; i++)
        oak_blocking {
            oak_blocking {
                expect(oak_sleep(1) == 0);
            }
            if (i == 1)
                break;
        }
}

BOTH(compact_mode)
{
    expect(oak_compact(-1) == -EINVAL && oak_compact(INT64_MIN) == -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_without_an_app), cmocka_unit_test(run_in_a_goroutine),
        cmocka_unit_test(spawning),           cmocka_unit_test(tasks),
        cmocka_unit_test(sleeping),           cmocka_unit_test(names),
        cmocka_unit_test(calls_that_block),   cmocka_unit_test(compact_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
