/* Closing under blocked operations, and taking turns. */
#include "check.h"

#include <fcntl.h>

static ssize_t call_readv(struct call *c)
{
    struct iovec iov = {c->buf, c->size};
    return oak_readv(c->conn, &iov, 1);
}

static ssize_t call_writev(struct call *c)
{
    struct iovec iov = {c->buf, c->size};
    return oak_writev(c->conn, &iov, 1);
}

BOTH(close_ends_every_blocked_operation)
{
    oak_conn *end[2];
    oak_listener *l;
    char buf[8];
    make_pair("unix", end);
    fill(end[0]);
    CHECK_INT(oak_listen("tcp", "127.0.0.1:0", &l), 0);
    int fd = oak_conn_fd(end[0]);
    /* Two of most: the second of a side waits for its turn. */
    struct call calls[] = {
        {.fn = call_read, .conn = end[0], .buf = buf, .size = sizeof buf},
        {.fn = call_readv, .conn = end[0], .buf = buf, .size = sizeof buf},
        {.fn = call_readable, .conn = end[0]},
        {.fn = call_write, .conn = end[0], .buf = buf, .size = sizeof buf},
        {.fn = call_writev, .conn = end[0], .buf = buf, .size = sizeof buf},
        {.fn = call_hangup, .conn = end[0]},
        {.fn = call_accept, .listener = l},
        {.fn = call_accept, .listener = l},
    };
    enum { N = sizeof calls / sizeof *calls };
    for (size_t i = 0; i < N; i++)
        start_call(&calls[i]);
    until_blocked(N);
    CHECK_INT(oak_conn_close(end[0]), 0);
    CHECK_INT(oak_listener_close(l), 0);
    for (size_t i = 0; i < N; i++)
        CHECK_INT(result_of(&calls[i]), -EPIPE);
    CHECK_INT(fcntl(fd, F_GETFD), -1);
    CHECK_INT(oak_conn_close(end[0]), -EINVAL);
    CHECK_INT(oak_listener_close(l), -EINVAL);
    CHECK_INT(oak_conn_close(end[1]), 0);
    return 0;
}

/* While an operation is on its way out, the number is not given to anything new. */
BOTH(descriptor_lives_until_the_last_operation_has_left)
{
    for (int i = 0; i < 200; i++) {
        oak_conn *end[2];
        char buf[2][8];
        make_pair("unix", end);
        struct call calls[] = {
            {.fn = call_read, .conn = end[0], .buf = buf[0], .size = sizeof buf[0]},
            {.fn = call_read, .conn = end[0], .buf = buf[1], .size = sizeof buf[1]},
        };
        for (size_t j = 0; j < 2; j++)
            start_call(&calls[j]);
        until_blocked(2);
        CHECK_INT(oak_conn_close(end[0]), 0);
        oak_conn *other[2];
        make_pair("unix", other);
        CHECK_INT(oak_write(other[0], "other", 5), 5);
        for (size_t j = 0; j < 2; j++)
            CHECK_INT(result_of(&calls[j]), -EPIPE);
        CHECK_INT(oak_read(other[1], buf[0], sizeof buf[0]), 5);
        close_pair(other);
        CHECK_INT(oak_conn_close(end[1]), 0);
    }
    return 0;
}

BOTH(peer_of_a_closed_connection_reads_the_end)
{
    oak_conn *end[2];
    char buf[8];
    make_pair("tcp", end);
    struct call reader = {.fn = call_read, .conn = end[1], .buf = buf, .size = sizeof buf};
    start_call(&reader);
    until_blocked(1);
    CHECK_INT(oak_conn_close(end[0]), 0);
    CHECK_INT(result_of(&reader), 0);
    CHECK_INT(oak_conn_close(end[1]), 0);
    return 0;
}

BOTH(readers_take_turns_in_the_order_they_came)
{
    enum { READERS = 8 };
    oak_conn *end[2];
    unsigned char got[READERS];
    struct call reader[READERS];
    make_pair("unix", end);
    for (int i = 0; i < READERS; i++) {
        reader[i] = (struct call){.fn = call_read, .conn = end[0], .buf = &got[i], .size = 1};
        start_call(&reader[i]);
        until_blocked(i + 1);
    }
    for (int i = 0; i < READERS; i++) {
        unsigned char byte = (unsigned char)(i + 1);
        CHECK_INT(oak_write(end[1], &byte, 1), 1);
        CHECK_INT(result_of(&reader[i]), 1);
        CHECK_INT(got[i], i + 1);
    }
    close_pair(end);
    return 0;
}

BOTH(one_who_waits_for_his_turn_heeds_the_deadline)
{
    oak_conn *end[2];
    char buf[8];
    make_pair("unix", end);
    struct call first = {.fn = call_read, .conn = end[0], .buf = buf, .size = 1};
    struct call second = {.fn = call_read, .conn = end[0], .buf = buf, .size = 1};
    start_call(&first);
    until_blocked(1);
    start_call(&second);
    until_blocked(2);
    int64_t t = oak_now() + 10 * OAK_MILLISECOND;
    CHECK_INT(oak_conn_set_deadline(end[0], t), 0);
    CHECK_INT(result_of(&first), -ETIMEDOUT);
    CHECK_INT(result_of(&second), -ETIMEDOUT);
    CHECK(first.ended >= t && second.ended >= t);
    CHECK_INT(oak_conn_set_deadline(end[0], OAK_FOREVER), 0);
    CHECK_INT(oak_write(end[1], "x", 1), 1);
    CHECK_INT(oak_read(end[0], buf, sizeof buf), 1);
    close_pair(end);
    return 0;
}

/* Several writers at once: each one's bytes stay together. */
enum { WRITERS = 4, MESSAGE = 300000, ROUNDS = 4 };

static ssize_t write_messages(struct call *c)
{
    ssize_t n = 0;
    for (int i = 0; i < ROUNDS && n >= 0; i++)
        n = oak_write(c->conn, c->buf, c->size);
    return n;
}

BOTH(writes_are_not_mixed)
{
    oak_conn *end[2];
    struct call writer[WRITERS];
    static char message[WRITERS][MESSAGE];
    make_pair("tcp", end);
    for (int i = 0; i < WRITERS; i++) {
        memset(message[i], 'a' + i, MESSAGE);
        writer[i] = (struct call){.fn = write_messages, .conn = end[0], .buf = message[i], .size = MESSAGE};
        start_call(&writer[i]);
    }
    static char got[MESSAGE];
    for (int i = 0; i < WRITERS * ROUNDS; i++) {
        for (size_t n = 0; n < MESSAGE;) {
            ssize_t more = oak_read(end[1], got + n, MESSAGE - n);
            CHECK(more > 0);
            n += (size_t)more;
        }
        CHECK(memcmp(got, message[got[0] - 'a'], MESSAGE) == 0);
    }
    for (int i = 0; i < WRITERS; i++)
        CHECK_INT(result_of(&writer[i]), MESSAGE);
    close_pair(end);
    return 0;
}

/* Data, a deadline and the close come at once upon blocked calls: every call returns, with data or without. */
BOTH(close_races_with_everything)
{
    for (int i = 0; i < 500; i++) {
        oak_conn *end[2];
        char buf[3][64];
        make_pair("unix", end);
        struct call calls[] = {
            {.fn = call_read, .conn = end[0], .buf = buf[0], .size = 64},
            {.fn = call_read, .conn = end[0], .buf = buf[1], .size = 64},
            {.fn = call_hangup, .conn = end[0]},
        };
        struct call writer = {.fn = call_write, .conn = end[1], .buf = buf[2], .size = 64};
        for (size_t j = 0; j < 3; j++)
            start_call(&calls[j]);
        until_blocked(3);
        start_call(&writer);
        for (int spins = i % 7; spins > 0; spins--)
            oak_yield();
        CHECK_INT(oak_conn_set_deadline(end[0], oak_now() + OAK_HOUR), 0);
        CHECK_INT(oak_conn_close(end[0]), 0);
        ssize_t a = result_of(&calls[0]);
        ssize_t b = result_of(&calls[1]);
        CHECK((a == 64 && b == -EPIPE) || (a == -EPIPE && b == 64) || (a == -EPIPE && b == -EPIPE));
        ssize_t hangup = result_of(&calls[2]);
        CHECK(hangup == -EPIPE || hangup == -EAGAIN);
        ssize_t written = result_of(&writer);
        CHECK(written == 64 || written == -EPIPE);
        CHECK_INT(oak_conn_close(end[1]), 0);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TESTS(close_ends_every_blocked_operation),
        BOTH_TESTS(descriptor_lives_until_the_last_operation_has_left),
        BOTH_TESTS(peer_of_a_closed_connection_reads_the_end),
        BOTH_TESTS(readers_take_turns_in_the_order_they_came),
        BOTH_TESTS(one_who_waits_for_his_turn_heeds_the_deadline),
        BOTH_TESTS(writes_are_not_mixed),
        BOTH_TESTS(close_races_with_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
