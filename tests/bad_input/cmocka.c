/* include/oakum/cmocka.h used wrongly. */
#include "support/goroutine.h"

#include <oakum/cmocka.h>

static void torn_down_without_a_set_up(void **state)
{
    /* Everything there is counts, and here that is nothing. */
    assert_int_equal(oak_leak_teardown(state), 0);
    assert_int_equal(oak_leak_teardown(NULL), 0);
}

static void the_wrong_options_fail_the_test(void **state)
{
    oak_cmocka_opts.grace = -1;
    assert_int_equal(oak_leak_setup(state), 0);
    assert_int_equal(oak_leak_teardown(state), -1);
    oak_cmocka_opts.grace = 0;
}

static void harmless(void **state)
{
    (void)state;
}

static int set_up_fails(void **state)
{
    (void)state;
    return -1;
}

static void a_group_whose_set_up_fails(void **state)
{
    (void)state;
    const struct CMUnitTest inner[] = {oak_leak_unit_test(harmless)};
    assert_int_not_equal(oak_leak_run_group_tests(inner, set_up_fails, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(torn_down_without_a_set_up),
        cmocka_unit_test(the_wrong_options_fail_the_test),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    /* cmocka does not nest: its turn comes by itself. */
    void *state = NULL;
    a_group_whose_set_up_fails(&state);
    return failed;
}
