/* Deadlines: met, not early, changed under a blocked operation. */
#include "check.h"

static const int64_t SOON = 20 * OAK_MILLISECOND;

BOTH(blocked_operations_end_at_the_deadline_and_not_before)
{
    oak_conn *end[2];
    oak_listener *l;
    char buf[8];
    make_pair("unix", end);
    fill(end[0]);
    CHECK_INT(oak_listen("tcp", "127.0.0.1:0", &l), 0);
    struct call calls[] = {
        {.fn = call_read, .conn = end[0], .buf = buf, .size = sizeof buf},
        {.fn = call_write, .conn = end[0], .buf = buf, .size = sizeof buf},
        {.fn = call_accept, .listener = l},
    };
    int64_t t = oak_now() + SOON;
    CHECK_INT(oak_conn_set_deadline(end[0], t), 0);
    CHECK_INT(oak_listener_set_deadline(l, t), 0);
    for (size_t i = 0; i < 3; i++)
        start_call(&calls[i]);
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(result_of(&calls[i]), -ETIMEDOUT);
        CHECK(calls[i].ended >= t);
    }
    /* It stays passed. */
    CHECK_INT(oak_read(end[0], buf, sizeof buf), -ETIMEDOUT);
    CHECK_INT(oak_try_read(end[0], buf, sizeof buf), -ETIMEDOUT);
    CHECK_INT(oak_conn_wait_readable(end[0]), -ETIMEDOUT);
    CHECK_INT(oak_conn_wait_hangup(end[0]), -ETIMEDOUT);
    /* And can be lifted. */
    CHECK_INT(oak_conn_set_deadline(end[0], OAK_FOREVER), 0);
    CHECK_INT(oak_write(end[1], "x", 1), 1);
    CHECK_INT(oak_read(end[0], buf, sizeof buf), 1);
    CHECK_INT(oak_listener_close(l), 0);
    close_pair(end);
    return 0;
}

BOTH(passed_deadline_fails_even_what_need_not_wait)
{
    oak_conn *end[2], *extra;
    oak_listener *l;
    char buf[8], address[64];
    make_pair("tcp", end);
    CHECK_INT(oak_write(end[1], "x", 1), 1);
    CHECK_INT(oak_conn_set_deadline(end[0], oak_now()), 0);
    CHECK_INT(oak_read(end[0], buf, sizeof buf), -ETIMEDOUT);
    CHECK_INT(oak_write(end[0], buf, sizeof buf), -ETIMEDOUT);
    CHECK_INT(oak_conn_set_read_deadline(end[0], OAK_FOREVER), 0);
    CHECK_INT(oak_read(end[0], buf, sizeof buf), 1); /* nothing was lost */
    CHECK_INT(oak_write(end[0], buf, sizeof buf), -ETIMEDOUT);
    CHECK_INT(oak_conn_set_write_deadline(end[0], -1), 0);
    CHECK_INT(oak_write(end[0], buf, sizeof buf), -ETIMEDOUT);
    close_pair(end);
    CHECK_INT(oak_listen("tcp", "127.0.0.1:0", &l), 0);
    CHECK(oak_listener_addr(l, address, sizeof address) > 0);
    CHECK_INT(oak_dial("tcp", address, &end[0]), 0);
    CHECK_INT(oak_listener_set_deadline(l, 0), 0);
    CHECK_INT(oak_accept(l, &extra), -ETIMEDOUT);
    CHECK_INT(oak_listener_set_deadline(l, OAK_FOREVER), 0);
    CHECK_INT(oak_accept(l, &extra), 0);
    CHECK_INT(oak_conn_close(extra), 0);
    CHECK_INT(oak_conn_close(end[0]), 0);
    CHECK_INT(oak_listener_close(l), 0);
    return 0;
}

BOTH(reading_deadline_leaves_writing_alone)
{
    oak_conn *end[2];
    char buf[8];
    make_pair("tcp", end);
    CHECK_INT(oak_conn_set_read_deadline(end[0], 0), 0);
    CHECK_INT(oak_write(end[0], "abc", 3), 3);
    CHECK_INT(oak_read(end[1], buf, sizeof buf), 3);
    CHECK_INT(oak_read(end[0], buf, sizeof buf), -ETIMEDOUT);
    close_pair(end);
    return 0;
}

BOTH(deadline_set_under_a_blocked_operation_ends_it)
{
    oak_conn *end[2];
    oak_listener *l;
    char buf[8];
    make_pair("unix", end);
    fill(end[0]);
    CHECK_INT(oak_listen("tcp", "127.0.0.1:0", &l), 0);
    /* In the past, and soon; without one before, and with a far one. */
    for (int round = 0; round < 4; round++) {
        struct call calls[] = {
            {.fn = call_read, .conn = end[0], .buf = buf, .size = sizeof buf},
            {.fn = call_write, .conn = end[0], .buf = buf, .size = sizeof buf},
            {.fn = call_hangup, .conn = end[0]},
            {.fn = call_accept, .listener = l},
        };
        int64_t before = round < 2 ? OAK_FOREVER : oak_now() + OAK_HOUR;
        int64_t after = round % 2 ? oak_now() + SOON : oak_now() - 1;
        CHECK_INT(oak_conn_set_deadline(end[0], before), 0);
        CHECK_INT(oak_listener_set_deadline(l, before), 0);
        for (size_t i = 0; i < 4; i++)
            start_call(&calls[i]);
        until_blocked(4);
        CHECK_INT(oak_conn_set_deadline(end[0], after), 0);
        CHECK_INT(oak_listener_set_deadline(l, after), 0);
        for (size_t i = 0; i < 4; i++) {
            CHECK_INT(result_of(&calls[i]), -ETIMEDOUT);
            CHECK(calls[i].ended >= after);
        }
    }
    CHECK_INT(oak_listener_close(l), 0);
    close_pair(end);
    return 0;
}

BOTH(deadline_put_off_under_a_blocked_operation_lets_it_wait)
{
    oak_conn *end[2];
    char buf[8];
    make_pair("tcp", end);
    struct call reader = {.fn = call_read, .conn = end[0], .buf = buf, .size = sizeof buf};
    start_call(&reader);
    until_blocked(1);
    int64_t first = oak_now() + 3 * SOON;
    CHECK_INT(oak_conn_set_read_deadline(end[0], first), 0);
    CHECK_INT(oak_conn_set_read_deadline(end[0], oak_now() + OAK_HOUR), 0);
    bool in_time = oak_now() < first; /* else the machine was too busy for this test to tell anything */
    CHECK_INT(oak_sleep(4 * SOON), 0);
    if (in_time)
        until_blocked(1);
    CHECK_INT(oak_write(end[1], "x", 1), 1);
    ssize_t n = result_of(&reader);
    CHECK(n == 1 || (n == -ETIMEDOUT && !in_time));
    close_pair(end);
    return 0;
}

/* Sets deadlines all the time while data come: none may be lost, no call may hang. */
BOTH(deadlines_may_change_all_the_time)
{
    enum { ROUNDS = 3000 };
    oak_conn *end[2];
    char byte;
    make_pair("unix", end);
    for (int i = 0; i < ROUNDS; i++) {
        struct call reader = {.fn = call_read, .conn = end[0], .buf = &byte, .size = 1};
        start_call(&reader);
        if (i % 3)
            CHECK_INT(oak_conn_set_deadline(end[0], oak_now() + OAK_HOUR), 0);
        if (i % 2)
            oak_yield();
        CHECK_INT(oak_write(end[1], "x", 1), 1);
        CHECK_INT(oak_conn_set_deadline(end[0], i % 5 ? OAK_FOREVER : oak_now() + OAK_HOUR), 0);
        CHECK_INT(result_of(&reader), 1);
    }
    close_pair(end);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TESTS(blocked_operations_end_at_the_deadline_and_not_before),
        BOTH_TESTS(passed_deadline_fails_even_what_need_not_wait),
        BOTH_TESTS(reading_deadline_leaves_writing_alone),
        BOTH_TESTS(deadline_set_under_a_blocked_operation_ends_it),
        BOTH_TESTS(deadline_put_off_under_a_blocked_operation_lets_it_wait),
        BOTH_TESTS(deadlines_may_change_all_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
