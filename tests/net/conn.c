/* Connections: bytes, pieces, ends of stream, addresses, foreign descriptors. */
#include "check.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static const char *const networks[] = {"tcp", "tcp4", "tcp6", "unix"};

static bool skipped(const char *network)
{
    if (strcmp(network, "tcp6") != 0 || have_ipv6())
        return false;
    print_message("no IPv6 on this machine: tcp6 is left out\n");
    return true;
}

BOTH(bytes_go_both_ways_over_every_network)
{
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        oak_conn *end[2];
        char buf[16];
        if (skipped(networks[i]))
            continue;
        make_pair(networks[i], end);
        for (int from = 0; from < 2; from++) {
            CHECK_INT(oak_write(end[from], "hello", 5), 5);
            CHECK_INT(oak_read(end[!from], buf, 3), 3);
            CHECK_INT(oak_read(end[!from], buf + 3, sizeof buf - 3), 2);
            CHECK(memcmp(buf, "hello", 5) == 0);
        }
        CHECK_INT(oak_read(end[0], buf, 0), 0);
        CHECK_INT(oak_write(end[0], buf, 0), 0);
        close_pair(end);
    }
    return 0;
}

enum { LOTS = 4 << 20 };

static unsigned char pattern(size_t i)
{
    return (unsigned char)(i * 2654435761u >> 13);
}

static ssize_t read_lots(struct call *c)
{
    unsigned char buf[8000];
    size_t got = 0;
    ssize_t n;
    while ((n = oak_read(c->conn, buf, 1 + got * 7919 % sizeof buf)) > 0)
        for (ssize_t i = 0; i < n; i++)
            CHECK_INT(buf[i], pattern(got++));
    CHECK_INT(n, 0);
    return (ssize_t)got;
}

/* More than all buffers on the way hold: the writer has to wait for the reader, many times. */
BOTH(write_sends_all_of_a_large_buffer)
{
    unsigned char *buf = malloc(LOTS);
    for (size_t i = 0; i < LOTS; i++)
        buf[i] = pattern(i);
    for (size_t i = 1; i < sizeof networks / sizeof *networks; i++) {
        oak_conn *end[2];
        if (skipped(networks[i]))
            continue;
        make_pair(networks[i], end);
        struct call reader = {.fn = read_lots, .conn = end[1]};
        start_call(&reader);
        CHECK_INT(oak_write(end[0], buf, LOTS), LOTS);
        CHECK_INT(oak_conn_close_write(end[0]), 0);
        CHECK_INT(result_of(&reader), LOTS);
        close_pair(end);
    }
    free(buf);
    return 0;
}

BOTH(writev_sends_all_pieces_and_leaves_the_array_alone)
{
    enum { N = 1024 };
    static struct iovec iov[N], copy[N];
    unsigned char *buf = malloc(LOTS);
    size_t used = 0;
    for (size_t i = 0; i < LOTS; i++)
        buf[i] = pattern(i);
    for (size_t i = 0; i < N; i++) { /* of all sizes, some of them empty */
        size_t n = i == N - 1 ? LOTS - used : i % 5 == 0 ? 0 : i * 4001 % 6000;
        iov[i] = (struct iovec){buf + used, n};
        used += n;
    }
    memcpy(copy, iov, sizeof iov);
    oak_conn *end[2];
    make_pair("tcp", end);
    struct call reader = {.fn = read_lots, .conn = end[1]};
    start_call(&reader);
    CHECK_INT(oak_writev(end[0], iov, N), LOTS);
    CHECK_INT(oak_conn_close_write(end[0]), 0);
    CHECK_INT(result_of(&reader), LOTS);
    CHECK(memcmp(copy, iov, sizeof iov) == 0);
    close_pair(end);
    free(buf);
    return 0;
}

BOTH(readv_fills_the_pieces_in_order)
{
    oak_conn *end[2];
    char a[2], b[3], c[8];
    struct iovec iov[3] = {{a, sizeof a}, {b, sizeof b}, {c, sizeof c}};
    make_pair("unix", end);
    CHECK_INT(oak_write(end[0], "abcdefg", 7), 7);
    CHECK_INT(oak_readv(end[1], iov, 3), 7);
    CHECK(memcmp(a, "ab", 2) == 0 && memcmp(b, "cde", 3) == 0 && memcmp(c, "fg", 2) == 0);
    struct call reader = {.fn = call_read, .conn = end[1], .buf = a, .size = 1};
    start_call(&reader);
    CHECK_INT(oak_write(end[0], "x", 1), 1);
    CHECK_INT(result_of(&reader), 1);
    CHECK_INT(oak_conn_close_write(end[0]), 0);
    CHECK_INT(oak_readv(end[1], iov, 3), 0);
    close_pair(end);
    return 0;
}

BOTH(half_closed_connection_still_carries_the_other_way)
{
    oak_conn *end[2];
    char buf[8];
    make_pair("tcp", end);
    CHECK_INT(oak_conn_close_write(end[0]), 0);
    CHECK_INT(oak_read(end[1], buf, sizeof buf), 0);
    CHECK_INT(oak_read(end[1], buf, sizeof buf), 0);
    CHECK_INT(oak_write(end[1], "late", 4), 4);
    CHECK_INT(oak_read(end[0], buf, sizeof buf), 4);
    CHECK_INT(oak_write(end[0], "x", 1), -EPIPE);
    close_pair(end);
    return 0;
}

static _Atomic int sigpipes;

static void on_sigpipe(int sig)
{
    (void)sig;
    sigpipes++;
}

BOTH(writing_to_a_gone_peer_is_an_error_and_no_signal)
{
    signal(SIGPIPE, on_sigpipe);
    oak_conn *end[2];
    int fd[2];
    make_pair("unix", end);
    CHECK_INT(oak_conn_close(end[1]), 0);
    CHECK_INT(oak_write(end[0], "x", 1), -EPIPE);
    CHECK_INT(oak_conn_close(end[0]), 0);
    CHECK_INT(pipe(fd), 0);
    CHECK_INT(oak_conn_from_fd(fd[1], &end[1]), 0);
    close(fd[0]);
    CHECK_INT(oak_write(end[1], "x", 1), -EPIPE);
    CHECK_INT(oak_conn_close(end[1]), 0);
    CHECK_INT(sigpipes, 0);
    return 0;
}

BOTH(pipes_are_connections_too)
{
    int fd[2];
    oak_conn *in, *out;
    char buf[8];
    CHECK_INT(pipe(fd), 0);
    CHECK_INT(oak_conn_from_fd(fd[0], &in), 0);
    CHECK_INT(oak_conn_from_fd(fd[1], &out), 0);
    CHECK_INT(oak_conn_fd(in), fd[0]);
    CHECK(fcntl(fd[0], F_GETFL) & O_NONBLOCK);
    struct call reader = {.fn = read_lots, .conn = in};
    start_call(&reader);
    until_blocked(1);
    unsigned char *big = malloc(LOTS);
    for (size_t i = 0; i < LOTS; i++)
        big[i] = pattern(i);
    struct iovec iov[2] = {{big, LOTS / 3}, {big + LOTS / 3, LOTS - LOTS / 3}};
    CHECK_INT(oak_writev(out, iov, 2), LOTS);
    free(big);
    CHECK_INT(oak_conn_close_write(out), -ENOTSOCK);
    CHECK_INT(oak_conn_local_addr(out, buf, sizeof buf), -ENOTSOCK);
    CHECK_INT(oak_conn_close(out), 0);
    CHECK_INT(result_of(&reader), LOTS);
    CHECK_INT(oak_conn_close(in), 0);
    return 0;
}

BOTH(descriptors_that_are_no_connections_stay_the_callers)
{
    oak_conn *c, *second;
    int fd[2];
    char name[] = "/tmp/oakum-conn-XXXXXX";
    int file = mkstemp(name);
    CHECK(file >= 0);
    CHECK_INT(oak_conn_from_fd(file, &c), -EPERM);
    CHECK_INT(fcntl(file, F_GETFD), 0); /* still open */
    close(file);
    unlink(name);
    CHECK_INT(oak_conn_from_fd(file, &c), -EBADF);
    CHECK_INT(oak_conn_from_fd(-1, &c), -EINVAL);
    CHECK_INT(pipe(fd), 0);
    CHECK_INT(oak_conn_from_fd(fd[0], NULL), -EINVAL);
    CHECK_INT(oak_conn_from_fd(fd[0], &c), 0);
    CHECK_INT(oak_conn_from_fd(fd[0], &second), -EINVAL); /* it is a connection's already */
    CHECK_INT(oak_conn_close(c), 0);
    CHECK_INT(fcntl(fd[0], F_GETFD), -1);
    close(fd[1]);
    return 0;
}

BOTH(datagrams_keep_their_bounds)
{
    int fd[2];
    oak_conn *end[2];
    char buf[16];
    CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
    for (int i = 0; i < 2; i++)
        CHECK_INT(oak_conn_from_fd(fd[i], &end[i]), 0);
    CHECK_INT(oak_write(end[0], "one", 3), 3);
    CHECK_INT(oak_write(end[0], "three", 5), 5);
    CHECK_INT(oak_read(end[1], buf, sizeof buf), 3);
    CHECK_INT(oak_read(end[1], buf, sizeof buf), 5);
    close_pair(end);
    return 0;
}

BOTH(addresses_of_both_ends)
{
    oak_conn *end[2];
    char a[64], b[64];
    for (size_t i = 0; i < 3; i++) {
        if (skipped(networks[i]))
            continue;
        make_pair(networks[i], end);
        int n = oak_conn_local_addr(end[0], a, sizeof a);
        CHECK_INT(n, strlen(a));
        CHECK_INT(oak_conn_remote_addr(end[1], b, sizeof b), n);
        CHECK(strcmp(a, b) == 0);
        CHECK(strncmp(a, i == 2 ? "[::1]:" : "127.0.0.1:", 6) == 0);
        CHECK_INT(oak_conn_local_addr(end[0], a, 5), n); /* cut, as snprintf does */
        CHECK_INT(strlen(a), 4);
        CHECK_INT(oak_conn_local_addr(end[0], NULL, 0), n);
        close_pair(end);
    }
    make_pair("unix", end);
    CHECK_INT(oak_conn_local_addr(end[0], a, sizeof a), 0); /* a client has no name */
    CHECK(a[0] == '\0');
    CHECK(oak_conn_remote_addr(end[0], a, sizeof a) > 0);
    CHECK(a[0] == '@');
    close_pair(end);
    return 0;
}

BOTH(tcp_sockets_do_not_delay_and_close_on_exec)
{
    oak_conn *end[2];
    make_pair("tcp", end);
    for (int i = 0; i < 2; i++) {
        int on = 0;
        socklen_t len = sizeof on;
        int fd = oak_conn_fd(end[i]);
        CHECK_INT(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
        CHECK(on);
        CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    }
    close_pair(end);
    return 0;
}

BOTH(wrong_handles_and_values_are_refused)
{
    oak_conn *end[2];
    char buf[4];
    struct iovec iov = {buf, sizeof buf};
    struct iovec huge[2] = {{buf, SIZE_MAX / 2}, {buf, SIZE_MAX / 2}};
    static uint64_t junk[64];
    oak_conn *wrong[] = {NULL, (oak_conn *)junk};
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(oak_read(wrong[i], buf, 1), -EINVAL);
        CHECK_INT(oak_write(wrong[i], buf, 1), -EINVAL);
        CHECK_INT(oak_readv(wrong[i], &iov, 1), -EINVAL);
        CHECK_INT(oak_writev(wrong[i], &iov, 1), -EINVAL);
        CHECK_INT(oak_conn_set_deadline(wrong[i], 0), -EINVAL);
        CHECK_INT(oak_conn_set_read_deadline(wrong[i], 0), -EINVAL);
        CHECK_INT(oak_conn_set_write_deadline(wrong[i], 0), -EINVAL);
        CHECK_INT(oak_conn_close_write(wrong[i]), -EINVAL);
        CHECK_INT(oak_conn_close(wrong[i]), -EINVAL);
        CHECK_INT(oak_conn_fd(wrong[i]), -EINVAL);
        CHECK_INT(oak_conn_local_addr(wrong[i], buf, 4), -EINVAL);
        CHECK_INT(oak_conn_remote_addr(wrong[i], buf, 4), -EINVAL);
        CHECK_INT(oak_conn_wait_hangup(wrong[i]), -EINVAL);
        CHECK_INT(oak_conn_wait_readable(wrong[i]), -EINVAL);
        CHECK_INT(oak_try_read(wrong[i], buf, 1), -EINVAL);
        oak_listener *l = (oak_listener *)wrong[i];
        CHECK_INT(oak_accept(l, &end[0]), -EINVAL);
        CHECK_INT(oak_listener_addr(l, buf, 4), -EINVAL);
        CHECK_INT(oak_listener_set_deadline(l, 0), -EINVAL);
        CHECK_INT(oak_listener_close(l), -EINVAL);
    }
    make_pair("tcp", end);
    CHECK_INT(oak_read(end[0], NULL, 1), -EINVAL);
    CHECK_INT(oak_write(end[0], NULL, 1), -EINVAL);
    CHECK_INT(oak_write(end[0], buf, SIZE_MAX), -EINVAL);
    CHECK_INT(oak_readv(end[0], NULL, 1), -EINVAL);
    CHECK_INT(oak_writev(end[0], &iov, 0), -EINVAL);
    CHECK_INT(oak_writev(end[0], &iov, -1), -EINVAL);
    CHECK_INT(oak_readv(end[0], &iov, 1025), -EINVAL);
    CHECK_INT(oak_writev(end[0], huge, 2), -EINVAL);
    CHECK_INT(oak_conn_local_addr(end[0], NULL, 1), -EINVAL);
    CHECK_INT(oak_accept((oak_listener *)end[0], &end[1]), -EINVAL); /* a connection is no listener */
    /* What the kernel cannot read is an error, not a crash. */
    CHECK_INT(oak_write(end[0], (void *)(uintptr_t)8, 8), -EFAULT);
    close_pair(end);
    CHECK_INT(oak_conn_close(end[0]), -EINVAL);
    CHECK_INT(oak_read(end[0], buf, 1), -EINVAL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TESTS(bytes_go_both_ways_over_every_network),
        BOTH_TESTS(write_sends_all_of_a_large_buffer),
        BOTH_TESTS(writev_sends_all_pieces_and_leaves_the_array_alone),
        BOTH_TESTS(readv_fills_the_pieces_in_order),
        BOTH_TESTS(half_closed_connection_still_carries_the_other_way),
        BOTH_TESTS(writing_to_a_gone_peer_is_an_error_and_no_signal),
        BOTH_TESTS(pipes_are_connections_too),
        BOTH_TESTS(descriptors_that_are_no_connections_stay_the_callers),
        BOTH_TESTS(datagrams_keep_their_bounds),
        BOTH_TESTS(addresses_of_both_ends),
        BOTH_TESTS(tcp_sockets_do_not_delay_and_close_on_exec),
        BOTH_TESTS(wrong_handles_and_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
