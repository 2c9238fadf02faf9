#include <oakum.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void every_reason_has_a_name(void **state)
{
    (void)state;
    for (int r = 0; r < OAK_WAIT_REASON_COUNT; r++)
        assert_string_not_equal(oak_wait_reason_name((enum oak_wait_reason)r), "?");
    assert_string_equal(oak_wait_reason_name(OAK_WAIT_CHAN_RECV), "chan receive");
    assert_string_equal(oak_wait_reason_name(OAK_WAIT_BLOCKED_FOREVER), "blocked for ever");
}

static void out_of_range_is_a_question_mark(void **state)
{
    (void)state;
    assert_string_equal(oak_wait_reason_name(OAK_WAIT_REASON_COUNT), "?");
    assert_string_equal(oak_wait_reason_name((enum oak_wait_reason) - 1), "?");
    assert_string_equal(oak_state_name((enum oak_state)0), "?");
    assert_string_equal(oak_state_name((enum oak_state)5), "?");
}

static void states_have_names(void **state)
{
    (void)state;
    assert_string_equal(oak_state_name(OAK_STATE_RUNNABLE), "runnable");
    assert_string_equal(oak_state_name(OAK_STATE_RUNNING), "running");
    assert_string_equal(oak_state_name(OAK_STATE_SYSCALL), "syscall");
    assert_string_equal(oak_state_name(OAK_STATE_WAITING), "waiting");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_a_name),
        cmocka_unit_test(out_of_range_is_a_question_mark),
        cmocka_unit_test(states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
