/* Waiting for something to read, and reading without waiting. */
#include "check.h"

BOTH(waits_for_data_and_for_the_end)
{
    static const char *const networks[] = {"tcp", "unix"};
    for (int i = 0; i < 2; i++) {
        oak_conn *end[2];
        char buf[8];
        make_pair(networks[i], end);
        struct call waiter = {.fn = call_readable, .conn = end[0]};
        start_call(&waiter);
        until_blocked(1);
        CHECK_INT(oak_write(end[1], "data", 4), 4);
        CHECK_INT(result_of(&waiter), 0);
        CHECK_INT(oak_conn_wait_readable(end[0]), 0); /* still */
        CHECK_INT(oak_try_read(end[0], buf, 2), 2);
        CHECK_INT(oak_conn_wait_readable(end[0]), 0); /* the rest of it, of which no event tells */
        CHECK_INT(oak_try_read(end[0], buf, sizeof buf), 2);
        CHECK_INT(oak_try_read(end[0], buf, sizeof buf), -EAGAIN);
        start_call(&waiter);
        until_blocked(1);
        CHECK_INT(oak_write(end[1], "more", 4), 4);
        CHECK_INT(result_of(&waiter), 0);
        CHECK_INT(oak_conn_wait_readable(end[0]), 0); /* still, though the event is used up */
        CHECK_INT(oak_read(end[0], buf, sizeof buf), 4);
        start_call(&waiter);
        until_blocked(1);
        CHECK_INT(oak_conn_close(end[1]), 0);
        CHECK_INT(result_of(&waiter), 0);
        CHECK_INT(oak_try_read(end[0], buf, sizeof buf), 0);
        CHECK_INT(oak_conn_wait_readable(end[0]), 0);
        CHECK_INT(oak_conn_close(end[0]), 0);
    }
    return 0;
}

BOTH(pipe_is_waited_for_as_well)
{
    oak_conn *in, *out;
    char buf[4];
    make_pipe(&in, &out);
    struct call waiter = {.fn = call_readable, .conn = in};
    start_call(&waiter);
    until_blocked(1);
    CHECK_INT(oak_write(out, "x", 1), 1);
    CHECK_INT(result_of(&waiter), 0);
    CHECK_INT(oak_conn_wait_readable(in), 0);
    CHECK_INT(oak_try_read(in, buf, sizeof buf), 1);
    CHECK_INT(oak_try_read(in, buf, sizeof buf), -EAGAIN);
    CHECK_INT(oak_conn_close(out), 0);
    CHECK_INT(oak_conn_wait_readable(in), 0);
    CHECK_INT(oak_try_read(in, buf, sizeof buf), 0);
    CHECK_INT(oak_conn_close(in), 0);
    return 0;
}

/* What it waits for is left for whoever comes, in turn. */
BOTH(takes_its_turn_with_the_readers)
{
    oak_conn *end[2];
    char buf[2][8];
    make_pair("unix", end);
    struct call waiter = {.fn = call_readable, .conn = end[0]};
    struct call reader = {.fn = call_read, .conn = end[0], .buf = buf[0], .size = sizeof buf[0]};
    start_call(&waiter);
    until_blocked(1);
    start_call(&reader);
    until_blocked(2);
    CHECK_INT(oak_try_read(end[0], buf[1], sizeof buf[1]), -EAGAIN);
    CHECK_INT(oak_write(end[1], "one", 3), 3);
    CHECK_INT(result_of(&waiter), 0);
    CHECK_INT(result_of(&reader), 3);
    start_call(&waiter);
    until_blocked(1);
    CHECK_INT(oak_write(end[1], "two", 3), 3);
    CHECK_INT(result_of(&waiter), 0);
    CHECK_INT(oak_read(end[0], buf[1], sizeof buf[1]), 3);
    close_pair(end);
    return 0;
}

BOTH(deadline_ends_it_and_a_new_one_is_heeded)
{
    oak_conn *end[2];
    char buf[8];
    make_pair("tcp", end);
    for (int tried = 0; tried < 2; tried++) {
        if (tried)
            CHECK_INT(oak_try_read(end[0], buf, sizeof buf), -EAGAIN);
        int64_t t = oak_now() + 20 * OAK_MILLISECOND;
        CHECK_INT(oak_conn_set_read_deadline(end[0], t), 0);
        CHECK_INT(oak_conn_wait_readable(end[0]), -ETIMEDOUT);
        CHECK(oak_now() >= t);
        CHECK_INT(oak_conn_set_read_deadline(end[0], OAK_FOREVER), 0);
        struct call waiter = {.fn = call_readable, .conn = end[0]};
        start_call(&waiter);
        until_blocked(1);
        CHECK_INT(oak_conn_set_read_deadline(end[0], oak_now() - 1), 0);
        CHECK_INT(result_of(&waiter), -ETIMEDOUT);
        CHECK_INT(oak_conn_set_read_deadline(end[0], OAK_FOREVER), 0);
    }
    CHECK_INT(oak_write(end[1], "x", 1), 1);
    CHECK_INT(oak_conn_wait_readable(end[0]), 0);
    CHECK_INT(oak_try_read(end[0], buf, sizeof buf), 1);
    close_pair(end);
    return 0;
}

/*
 * Data come at every moment between the try and the wait: the wait ends each time. The writer goes on when it is
 * told that all was read, so one lost wake-up stops both.
 */
enum { ROUNDS = 20000 };

static ssize_t write_on_request(struct call *c)
{
    char byte;
    for (int i = 0; i < ROUNDS; i++) {
        for (int spins = i % 50; spins > 0; spins--)
            __asm__ volatile("");
        CHECK_INT(oak_write(c->conn, "x", 1), 1);
        CHECK_INT(oak_read(c->conn, &byte, 1), 1);
    }
    return 0;
}

BOTH(no_wake_up_is_lost_after_a_try)
{
    oak_conn *end[2];
    char buf[8];
    make_pair("unix", end);
    struct call writer = {.fn = write_on_request, .conn = end[1]};
    start_call(&writer);
    for (int i = 0; i < ROUNDS; i++) {
        ssize_t n;
        while ((n = oak_try_read(end[0], buf, sizeof buf)) == -EAGAIN)
            CHECK_INT(oak_conn_wait_readable(end[0]), 0);
        CHECK_INT(n, 1);
        CHECK_INT(oak_write(end[0], "y", 1), 1);
    }
    CHECK_INT(result_of(&writer), 0);
    close_pair(end);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TESTS(waits_for_data_and_for_the_end),  BOTH_TESTS(pipe_is_waited_for_as_well),
        BOTH_TESTS(takes_its_turn_with_the_readers), BOTH_TESTS(deadline_ends_it_and_a_new_one_is_heeded),
        BOTH_TESTS(no_wake_up_is_lost_after_a_try),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
