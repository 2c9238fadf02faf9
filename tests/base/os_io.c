/* epoll, sockets, bytes, and SIGPIPE which must never come. */
#include "base/os.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define PIECE(text)                                                                                          \
    {                                                                                                        \
        .iov_base = (void *)(uintptr_t)(text), .iov_len = sizeof(text) - 1                                   \
    }

static _Atomic int sigpipes;

static void count_sigpipe(int sig)
{
    (void)sig;
    fetch_add_relaxed(&sigpipes, 1);
}

static int watch_sigpipe(void **state)
{
    (void)state;
    store_relaxed(&sigpipes, 0);
    return signal(SIGPIPE, count_sigpipe) == SIG_ERR;
}

static void pipe_without_reader_gives_epipe_and_no_signal(void **state)
{
    (void)state;
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    close(fd[0]);
    struct iovec iov[2] = {PIECE("ab"), PIECE("cd")};
    assert_int_equal(oak__os_send(fd[1], "x", 1, false), -EPIPE);
    assert_int_equal(oak__os_writev(fd[1], iov, 2, false), -EPIPE);
    assert_int_equal(load_relaxed(&sigpipes), 0);
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    assert_false(sigismember(&mask, SIGPIPE));
    /* The program's own writes keep their SIGPIPE. */
    assert_int_equal(write(fd[1], "x", 1), -1);
    assert_int_equal(load_relaxed(&sigpipes), 1);
    close(fd[1]);
}

static void sigpipe_that_was_pending_stays(void **state)
{
    (void)state;
    int fd[2];
    sigset_t sigpipe, before;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    raise(SIGPIPE);
    assert_int_equal(pipe(fd), 0);
    close(fd[0]);
    assert_int_equal(oak__os_send(fd[1], "x", 1, false), -EPIPE);
    assert_int_equal(load_relaxed(&sigpipes), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(load_relaxed(&sigpipes), 1);
    close(fd[1]);
}

static void socket_without_peer_gives_epipe_and_no_signal(void **state)
{
    (void)state;
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    close(fd[0]);
    struct iovec iov[1] = {PIECE("ab")};
    assert_int_equal(oak__os_send(fd[1], "x", 1, true), -EPIPE);
    assert_int_equal(oak__os_writev(fd[1], iov, 1, true), -EPIPE);
    assert_int_equal(load_relaxed(&sigpipes), 0);
    close(fd[1]);
}

static void bytes_come_through_pipes_and_sockets(void **state)
{
    (void)state;
    for (int socket = 0; socket < 2; socket++) {
        int fd[2];
        char a[2], b[4];
        if (socket)
            assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
        else
            assert_int_equal(pipe(fd), 0);
        struct iovec out[2] = {PIECE("ab"), PIECE("cdef")};
        struct iovec in[2] = {{a, 2}, {b, 4}};
        assert_int_equal(oak__os_writev(fd[1], out, 2, socket), 6);
        assert_int_equal(oak__os_readv(fd[0], in, 2, socket), 6);
        assert_memory_equal(a, "ab", 2);
        assert_memory_equal(b, "cdef", 4);
        assert_int_equal(oak__os_send(fd[1], "xyz", 3, socket), 3);
        if (socket)
            assert_int_equal(oak__os_peek(fd[0]), 1);
        assert_int_equal(oak__os_recv(fd[0], b, sizeof b, socket), 3);
        if (socket) /* would block, though the descriptor says otherwise */
            assert_int_equal(oak__os_recv(fd[0], b, sizeof b, true), -EAGAIN);
        close(fd[1]);
        assert_int_equal(oak__os_recv(fd[0], b, sizeof b, socket), 0);
        close(fd[0]);
    }
}

static void epoll_wait_is_not_early_and_sees_events(void **state)
{
    (void)state;
    int ep = oak__os_epoll_create();
    int fd = oak__os_eventfd();
    assert_true(ep >= 0 && fd >= 0);
    struct epoll_event ev;
    assert_int_equal(oak__os_epoll_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, 42), 0);
    assert_int_equal(oak__os_epoll_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 42), -EEXIST);
    static const int64_t limits[] = {-1, 0, 1, 1500 * OAK_MICROSECOND, 2 * OAK_MILLISECOND};
    for (size_t i = 0; i < countof(limits); i++) {
        int64_t start = oak__os_now();
        assert_int_equal(oak__os_epoll_wait(ep, &ev, 1, limits[i]), 0);
        assert_true(oak__os_now() - start >= limits[i]);
    }
    uint64_t one = 1;
    assert_int_equal(write(fd, &one, sizeof one), sizeof one);
    assert_int_equal(oak__os_epoll_wait(ep, &ev, 1, OAK_FOREVER), 1);
    assert_int_equal(ev.data.u64, 42);
    assert_int_equal(oak__os_close(fd), 0);
    assert_int_equal(oak__os_close(ep), 0);
    assert_int_equal(oak__os_close(ep), -EBADF);
}

static void new_descriptors_are_close_on_exec_and_non_blocking(void **state)
{
    (void)state;
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int l = oak__os_socket(AF_INET, SOCK_STREAM, 0);
    int c = oak__os_socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(oak__os_bind(l, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(oak__os_listen(l, 8), 0);
    assert_int_equal(oak__os_accept(l, NULL, NULL), -EAGAIN);
    assert_int_equal(oak__os_sockname(l, false, (struct sockaddr *)&sa, &len), 0);
    int rc = oak__os_connect(c, (struct sockaddr *)&sa, len);
    assert_true(rc == 0 || rc == -EINPROGRESS);
    int s;
    while ((s = oak__os_accept(l, NULL, NULL)) == -EAGAIN)
        oak__os_sleep(OAK_MILLISECOND);
    assert_true(s >= 0);
    assert_int_equal(oak__os_getsockopt(c, SOL_SOCKET, SO_ERROR), 0);
    const int all[] = {l, c, s};
    for (size_t i = 0; i < countof(all); i++) {
        assert_true(fcntl(all[i], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(all[i], F_GETFD) & FD_CLOEXEC);
    }
    int copy = oak__os_dup(s);
    assert_true(fcntl(copy, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(oak__os_shutdown(s, SHUT_WR), 0);
    assert_int_equal(oak__os_setsockopt(c, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
    const int open[] = {l, c, s, copy};
    for (size_t i = 0; i < countof(open); i++)
        assert_int_equal(oak__os_close(open[i]), 0);
}

static void set_nonblock_keeps_other_flags(void **state)
{
    (void)state;
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    assert_int_equal(fcntl(fd[1], F_SETFL, O_APPEND), 0);
    assert_int_equal(oak__os_set_nonblock(fd[1]), 0);
    assert_int_equal(oak__os_set_nonblock(fd[1]), 0);
    assert_int_equal(fcntl(fd[1], F_GETFL) & (O_NONBLOCK | O_APPEND), O_NONBLOCK | O_APPEND);
    close(fd[0]);
    close(fd[1]);
    assert_int_equal(oak__os_set_nonblock(fd[1]), -EBADF);
    assert_int_equal(oak__os_dup(fd[1]), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pipe_without_reader_gives_epipe_and_no_signal, watch_sigpipe),
        cmocka_unit_test_setup(sigpipe_that_was_pending_stays, watch_sigpipe),
        cmocka_unit_test_setup(socket_without_peer_gives_epipe_and_no_signal, watch_sigpipe),
        cmocka_unit_test(bytes_come_through_pipes_and_sockets),
        cmocka_unit_test(epoll_wait_is_not_early_and_sees_events),
        cmocka_unit_test(new_descriptors_are_close_on_exec_and_non_blocking),
        cmocka_unit_test(set_nonblock_keeps_other_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
