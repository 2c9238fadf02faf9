/* Hang-ups, and descriptors of other libraries. */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

BOTH(hangup_is_seen_when_the_peer_closes)
{
    static const char *const networks[] = {"tcp", "unix"};
    for (int i = 0; i < 2; i++)
        for (int half = 0; half < 2; half++) {
            oak_conn *end[2];
            make_pair(networks[i], end);
            struct call waiter = {.fn = call_hangup, .conn = end[0]};
            start_call(&waiter);
            until_blocked(1);
            CHECK_INT(half ? oak_conn_close_write(end[1]) : oak_conn_close(end[1]), 0);
            CHECK_INT(result_of(&waiter), 0);
            CHECK_INT(oak_conn_wait_hangup(end[0]), 0); /* still */
            CHECK_INT(oak_conn_close(end[0]), 0);
            if (half)
                CHECK_INT(oak_conn_close(end[1]), 0);
        }
    return 0;
}

BOTH(hangup_of_a_reset_connection)
{
    oak_conn *end[2];
    struct linger hard = {.l_onoff = 1};
    make_pair("tcp", end);
    struct call waiter = {.fn = call_hangup, .conn = end[0]};
    start_call(&waiter);
    until_blocked(1);
    CHECK_INT(setsockopt(oak_conn_fd(end[1]), SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    CHECK_INT(oak_conn_close(end[1]), 0);
    CHECK_INT(result_of(&waiter), 0);
    CHECK_INT(oak_conn_close(end[0]), 0);
    return 0;
}

BOTH(unread_data_hide_the_hangup_and_stay_readable)
{
    oak_conn *end[2];
    char buf[8];
    make_pair("tcp", end);
    struct call waiter = {.fn = call_hangup, .conn = end[0]};
    start_call(&waiter);
    until_blocked(1);
    CHECK_INT(oak_write(end[1], "next", 4), 4);
    CHECK_INT(result_of(&waiter), -EAGAIN);
    CHECK_INT(oak_conn_wait_hangup(end[0]), -EAGAIN);
    CHECK_INT(oak_read(end[0], buf, sizeof buf), 4);
    CHECK_INT(oak_conn_close(end[1]), 0);
    CHECK_INT(oak_conn_wait_hangup(end[0]), 0);
    CHECK_INT(oak_conn_close(end[0]), 0);
    return 0;
}

BOTH(one_hangup_waiter_beside_a_reader)
{
    oak_conn *end[2];
    char buf[8];
    make_pair("tcp", end);
    struct call waiter = {.fn = call_hangup, .conn = end[0]};
    struct call reader = {.fn = call_read, .conn = end[0], .buf = buf, .size = sizeof buf};
    start_call(&waiter);
    start_call(&reader);
    until_blocked(2);
    CHECK_INT(oak_conn_wait_hangup(end[0]), -EBUSY);
    CHECK_INT(oak_conn_close(end[1]), 0);
    CHECK_INT(result_of(&waiter), 0);
    CHECK_INT(result_of(&reader), 0);
    CHECK_INT(oak_conn_close(end[0]), 0);
    return 0;
}

BOTH(hangup_of_a_pipe)
{
    oak_conn *in, *out;
    char buf[4];
    make_pipe(&in, &out);
    CHECK_INT(oak_write(out, "x", 1), 1);
    CHECK_INT(oak_conn_wait_hangup(in), -EAGAIN);
    CHECK_INT(oak_read(in, buf, sizeof buf), 1);
    struct call waiter = {.fn = call_hangup, .conn = in};
    start_call(&waiter);
    until_blocked(1);
    CHECK_INT(oak_conn_close(out), 0);
    CHECK_INT(result_of(&waiter), 0);
    CHECK_INT(oak_conn_close(in), 0);
    return 0;
}

/* A peer that dies without a word: the kernel closes for it. */
BOTH(killed_peer_is_an_end_of_stream)
{
    int fd[2];
    char byte;
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    pid_t child = fork();
    if (child == 0) {
        close(fd[0]);
        for (;;)
            pause();
    }
    CHECK(child > 0);
    close(fd[1]);
    oak_conn *c;
    CHECK_INT(oak_conn_from_fd(fd[0], &c), 0);
    struct call waiter = {.fn = call_hangup, .conn = c};
    struct call reader = {.fn = call_read, .conn = c, .buf = &byte, .size = 1};
    start_call(&waiter);
    start_call(&reader);
    until_blocked(2);
    CHECK_INT(kill(child, SIGKILL), 0);
    CHECK_INT(waitpid(child, NULL, 0), child);
    CHECK_INT(result_of(&waiter), 0);
    CHECK_INT(result_of(&reader), 0);
    CHECK_INT(oak_write(c, "x", 1), -EPIPE);
    CHECK_INT(oak_conn_close(c), 0);
    return 0;
}

/* ---- oak_wait_fd ---- */

struct foreign {
    int fd, events;
    int64_t limit;
    oak_chan(int) done;
};

static void wait_foreign(void *arg)
{
    struct foreign *f = arg;
    CHECK_INT(oak_send(f->done, oak_wait_fd(f->fd, f->events, f->limit)), 0);
}

static void start_waiting(struct foreign *f)
{
    f->done = oak_make(int, 1);
    CHECK_INT(oak_spawn(wait_foreign, f), 0);
}

static int wait_result(struct foreign *f)
{
    int result;
    CHECK_INT(oak_recv(f->done, &result), 0);
    CHECK_INT(oak_chan_free(f->done), 0);
    return result;
}

BOTH(foreign_descriptor_becomes_ready)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    uint64_t one = 1;
    CHECK_INT(oak_wait_fd(fd, OAK_WRITABLE, OAK_FOREVER), OAK_WRITABLE);
    CHECK_INT(oak_wait_fd(fd, OAK_READABLE | OAK_WRITABLE, OAK_FOREVER), OAK_WRITABLE);
    CHECK_INT(oak_wait_fd(fd, OAK_READABLE, 0), -ETIMEDOUT);
    CHECK_INT(oak_wait_fd(fd, OAK_READABLE, -1), -ETIMEDOUT);
    int64_t before = oak_now();
    CHECK_INT(oak_wait_fd(fd, OAK_READABLE, 5 * OAK_MILLISECOND), -ETIMEDOUT);
    CHECK(oak_now() - before >= 5 * OAK_MILLISECOND);
    /* Two at once on one descriptor. */
    struct foreign a = {.fd = fd, .events = OAK_READABLE, .limit = OAK_FOREVER};
    struct foreign b = a;
    start_waiting(&a);
    start_waiting(&b);
    until_blocked(2);
    CHECK_INT(write(fd, &one, sizeof one), sizeof one);
    CHECK_INT(wait_result(&a), OAK_READABLE);
    CHECK_INT(wait_result(&b), OAK_READABLE);
    CHECK_INT(oak_wait_fd(fd, OAK_READABLE | OAK_WRITABLE, 0), OAK_READABLE | OAK_WRITABLE);
    CHECK_INT(fcntl(fd, F_GETFL) & O_NONBLOCK, 0); /* as it was */
    close(fd);
    return 0;
}

BOTH(foreign_descriptor_may_be_a_connections)
{
    oak_conn *end[2];
    char buf[4];
    make_pair("unix", end);
    struct foreign f = {.fd = oak_conn_fd(end[0]), .events = OAK_READABLE, .limit = OAK_FOREVER};
    struct call reader = {.fn = call_read, .conn = end[0], .buf = buf, .size = sizeof buf};
    start_waiting(&f);
    until_blocked(1);
    start_call(&reader);
    until_blocked(2);
    CHECK_INT(oak_conn_close_write(end[1]), 0);
    CHECK_INT(wait_result(&f), OAK_READABLE);
    CHECK_INT(result_of(&reader), 0);
    close_pair(end);
    return 0;
}

BOTH(both_directions_can_be_waited_for)
{
    int fd[2];
    static char buf[4096];
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    while (write(fd[0], buf, sizeof buf) > 0)
        ;
    struct foreign f = {.fd = fd[0], .events = OAK_READABLE | OAK_WRITABLE, .limit = OAK_FOREVER};
    start_waiting(&f);
    until_blocked(1);
    CHECK_INT(write(fd[1], "x", 1), 1);
    CHECK_INT(wait_result(&f), OAK_READABLE);
    CHECK_INT(read(fd[0], buf, sizeof buf), 1);
    start_waiting(&f);
    until_blocked(1);
    while (read(fd[1], buf, sizeof buf) > 0)
        ;
    CHECK_INT(wait_result(&f), OAK_WRITABLE);
    close(fd[1]);
    CHECK_INT(oak_wait_fd(fd[0], OAK_READABLE | OAK_WRITABLE, OAK_FOREVER), OAK_READABLE | OAK_WRITABLE);
    close(fd[0]);
    return 0;
}

BOTH(what_cannot_be_waited_for_is_refused)
{
    char name[] = "/tmp/oakum-wait-XXXXXX";
    int file = mkstemp(name);
    CHECK_INT(oak_wait_fd(file, OAK_READABLE, OAK_FOREVER), -EPERM);
    close(file);
    unlink(name);
    CHECK_INT(oak_wait_fd(file, OAK_READABLE, OAK_FOREVER), -EBADF);
    CHECK_INT(oak_wait_fd(-1, OAK_READABLE, OAK_FOREVER), -EINVAL);
    CHECK_INT(oak_wait_fd(0, 0, OAK_FOREVER), -EINVAL);
    CHECK_INT(oak_wait_fd(0, 4, OAK_FOREVER), -EINVAL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TESTS(hangup_is_seen_when_the_peer_closes),
        BOTH_TESTS(hangup_of_a_reset_connection),
        BOTH_TESTS(unread_data_hide_the_hangup_and_stay_readable),
        BOTH_TESTS(one_hangup_waiter_beside_a_reader),
        BOTH_TESTS(hangup_of_a_pipe),
        BOTH_TESTS(killed_peer_is_an_end_of_stream),
        BOTH_TESTS(foreign_descriptor_becomes_ready),
        BOTH_TESTS(foreign_descriptor_may_be_a_connections),
        BOTH_TESTS(both_directions_can_be_waited_for),
        BOTH_TESTS(what_cannot_be_waited_for_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
