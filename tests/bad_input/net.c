/* include/oakum/net.h with bad input, and with peers that are killed. */
#include "bad.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void use_conn(oak_conn *c)
{
    char buf[64];
    struct iovec iov = {buf, sizeof buf};
    expect(oak_read(c, buf, 1) == -EINVAL && oak_write(c, buf, 1) == -EINVAL);
    expect(oak_readv(c, &iov, 1) == -EINVAL && oak_writev(c, &iov, 1) == -EINVAL);
    expect(oak_conn_set_deadline(c, 1) == -EINVAL && oak_conn_set_read_deadline(c, 1) == -EINVAL);
    expect(oak_conn_set_write_deadline(c, OAK_FOREVER) == -EINVAL && oak_conn_close_write(c) == -EINVAL);
    expect(oak_conn_fd(c) == -EINVAL && oak_conn_wait_hangup(c) == -EINVAL);
    expect(oak_conn_local_addr(c, buf, sizeof buf) == -EINVAL &&
           oak_conn_remote_addr(c, buf, sizeof buf) == -EINVAL);
    expect(oak_conn_wait_readable(c) == -EINVAL && oak_try_read(c, buf, 1) == -EINVAL);
    expect(oak_conn_close(c) == -EINVAL);
}

static void use_listener(oak_listener *l)
{
    char buf[64];
    oak_conn *c = NULL;
    expect(oak_accept(l, &c) == -EINVAL && oak_listener_addr(l, buf, sizeof buf) == -EINVAL && c == NULL);
    expect(oak_listener_set_deadline(l, 1) == -EINVAL && oak_listener_close(l) == -EINVAL);
}

/* Given back, and of every other kind. */
BOTH(wrong_handles)
{
    struct strangers s;
    use_conn(NULL);
    use_listener(NULL);
    strangers_begin(&s);
    each_stranger_but(s, CONN, i) use_conn(s.at[i]);
    each_stranger_but(s, LISTENER, i) use_listener(s.at[i]);
    strangers_end(&s);
    use_conn(s.at[CONN]);
    use_listener(s.at[LISTENER]);
}

/* Two ends of one connection. */
static void make_pair(oak_conn *end[2])
{
    int fds[2];
    expect(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    expect(oak_conn_from_fd(fds[0], &end[0]) == 0 && oak_conn_from_fd(fds[1], &end[1]) == 0);
}

BOTH(buffers)
{
    char buf[8] = "";
    oak_conn *end[2];
    void *forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct iovec none = {NULL, 1}, bad = {forbidden, 1}, far[2] = {{buf, SIZE_MAX}, {buf, 2}},
                 empty = {NULL, 0};
    make_pair(end);
    expect(oak_write(end[1], "data", 4) == 4);
    expect(oak_read(end[0], NULL, 1) == -EINVAL && oak_write(end[0], NULL, 1) == -EINVAL);
    expect(oak_try_read(end[0], NULL, 1) == -EINVAL && oak_try_read(end[0], NULL, 0) == 0);
    expect(oak_try_read(end[0], buf, SIZE_MAX) == -EINVAL && oak_try_read(end[0], forbidden, 1) == -EFAULT);
    expect(oak_read(end[0], NULL, 0) == 0 && oak_write(end[0], NULL, 0) == 0);
    expect(oak_read(end[0], buf, SIZE_MAX) == -EINVAL && oak_write(end[0], buf, SIZE_MAX) == -EINVAL);
    expect(oak_read(end[0], forbidden, 1) == -EFAULT && oak_write(end[0], forbidden, 1) == -EFAULT);
    static const int counts[] = {0, -1, INT32_MIN, 1025, INT32_MAX};
    for (size_t i = 0; i < countof(counts); i++)
        expect(oak_readv(end[0], &empty, counts[i]) == -EINVAL &&
               oak_writev(end[0], &empty, counts[i]) == -EINVAL);
    expect(oak_readv(end[0], NULL, 1) == -EINVAL && oak_writev(end[0], NULL, 1) == -EINVAL);
    expect(oak_readv(end[0], far, 2) == -EINVAL && oak_writev(end[0], far, 2) == -EINVAL);
    expect(oak_readv(end[0], &none, 1) == -EFAULT && oak_writev(end[0], &none, 1) == -EFAULT);
    expect(oak_readv(end[0], &bad, 1) == -EFAULT && oak_writev(end[0], &bad, 1) == -EFAULT);
    expect(oak_readv(end[0], &empty, 1) == 0 && oak_writev(end[0], &empty, 1) == 0);
    /* Nothing of it was lost or sent. */
    expect(oak_read(end[0], buf, sizeof buf) == 4 && memcmp(buf, "data", 4) == 0);
    expect(oak_conn_close(end[0]) == 0 && oak_read(end[1], buf, 1) == 0 && oak_conn_close(end[1]) == 0);
    munmap(forbidden, 4096);
}

BOTH(addresses)
{
    oak_listener *l = NULL;
    oak_conn *c = NULL;
    char buf[128], host[2][46];
    static const char *const bad[][2] = {
        {NULL, "127.0.0.1:0"}, {"udp", "127.0.0.1:0"}, {"", ":0"},        {"tcp", NULL},
        {"tcp", ""},           {"tcp", "127.0.0.1"},   {"tcp", ":65536"}, {"tcp", ":-1"},
        {"tcp", "::1:80"},     {"tcp4", "[::1]:80x"},  {"unix", NULL},    {"unix", ""},
        {"unix", "@"},
    };
    for (size_t i = 0; i < countof(bad); i++)
        expect(oak_listen(bad[i][0], bad[i][1], &l) == -EINVAL &&
               oak_dial(bad[i][0], bad[i][1], &c) == -EINVAL);
    char longest[400];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    expect(oak_listen("unix", longest, &l) == -EINVAL && oak_dial("unix", longest, &c) == -EINVAL);
    expect(oak_lookup_host(longest, host, 2) == -EINVAL);
    expect(oak_lookup_host(NULL, host, 2) == -EINVAL && oak_lookup_host("", host, 2) == -EINVAL);
    expect(oak_lookup_host("::1", NULL, 2) == -EINVAL && oak_lookup_host("::1", host, 0) == -EINVAL);
    expect(oak_lookup_host("::1", host, INT32_MIN) == -EINVAL &&
           oak_lookup_host("::1", host, INT32_MAX) == 1);
    expect(oak_listen("tcp", "127.0.0.1:0", NULL) == -EINVAL &&
           oak_dial("tcp", "127.0.0.1:1", NULL) == -EINVAL);
    expect(oak_dial("unix", "/nowhere/at/all", &c) == -ENOENT &&
           oak_listen("unix", "/nowhere/at/all", &l) == -ENOENT);
    expect(l == NULL && c == NULL);

    expect(oak_listen("tcp", "127.0.0.1:0", &l) == 0 && oak_accept(l, NULL) == -EINVAL);
    int n = oak_listener_addr(l, buf, sizeof buf);
    expect(n > 0 && oak_listener_addr(l, NULL, 0) == n && oak_listener_addr(l, NULL, 1) == -EINVAL);
    expect(oak_listener_addr(l, longest, 1) == n && longest[0] == 0);
    expect(oak_listener_close(l) == 0);
}

BOTH(times_in_the_past)
{
    oak_conn *end[2], *c = NULL;
    oak_listener *l;
    char byte;
    make_pair(end);
    expect(oak_listen("tcp", "127.0.0.1:0", &l) == 0);
    for (size_t i = 0; i < countof(absurd_past); i++) {
        expect(oak_conn_set_deadline(end[0], absurd_past[i]) == 0 &&
               oak_read(end[0], &byte, 1) == -ETIMEDOUT);
        expect(oak_write(end[0], "x", 1) == -ETIMEDOUT && oak_conn_wait_hangup(end[0]) == -ETIMEDOUT);
        expect(oak_conn_wait_readable(end[0]) == -ETIMEDOUT && oak_try_read(end[0], &byte, 1) == -ETIMEDOUT);
        expect(oak_conn_set_deadline(end[0], OAK_FOREVER) == 0);
        expect(oak_conn_set_read_deadline(end[0], absurd_past[i]) == 0 &&
               oak_read(end[0], &byte, 1) == -ETIMEDOUT);
        expect(oak_conn_set_write_deadline(end[0], absurd_past[i]) == 0 &&
               oak_write(end[0], "x", 1) == -ETIMEDOUT);
        expect(oak_listener_set_deadline(l, absurd_past[i]) == 0 && oak_accept(l, &c) == -ETIMEDOUT && !c);
        expect(oak_wait_fd(oak_conn_fd(end[1]), OAK_READABLE, absurd_past[i]) == -ETIMEDOUT);
    }
    expect(oak_listener_close(l) == 0 && oak_conn_close(end[0]) == 0 && oak_conn_close(end[1]) == 0);
}

BOTH(descriptors)
{
    static const int wrong[] = {-1, INT32_MIN}, events[] = {0, 4, -1, 8, INT32_MIN};
    oak_conn *c = NULL;
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), path = open("/", O_PATH | O_CLOEXEC), pipes[2];
    expect(file >= 0 && path >= 0 && pipe(pipes) == 0);
    for (size_t i = 0; i < countof(wrong); i++)
        expect(oak_conn_from_fd(wrong[i], &c) == -EINVAL &&
               oak_wait_fd(wrong[i], OAK_READABLE, 1) == -EINVAL);
    for (size_t i = 0; i < countof(events); i++)
        expect(oak_wait_fd(pipes[0], events[i], 1) == -EINVAL);
    expect(oak_conn_from_fd(1000000, &c) == -EBADF && oak_conn_from_fd(pipes[0], NULL) == -EINVAL);
    expect(oak_wait_fd(1000000, OAK_READABLE, OAK_FOREVER) == -EBADF);
    expect(oak_conn_from_fd(file, &c) == -EPERM && oak_wait_fd(file, OAK_READABLE, 1) == -EPERM);
    expect(oak_conn_from_fd(path, &c) == -EBADF && c == NULL);
    expect(oak_conn_from_fd(pipes[0], &c) == 0);
    oak_conn *second = NULL;
    expect(oak_conn_from_fd(pipes[0], &second) == -EINVAL && second == NULL);
    char buf[64];
    expect(oak_conn_close_write(c) == -ENOTSOCK && oak_conn_remote_addr(c, buf, sizeof buf) == -ENOTSOCK);
    expect(oak_write(c, "x", 1) == -EBADF && oak_conn_close(c) == 0);
    close(file);
    close(path);
    close(pipes[1]);
}

/* ---- peers that are killed ---- */

/* A process that connects to the port that it is told, sends a byte and stays until it is killed. */
static pid_t start_peer(int *tell)
{
    int port[2];
    assert_int_equal(pipe(port), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    *tell = port[1];
    if (pid)
        return close(port[0]), pid;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    alarm(100);
    if (read(port[0], &to.sin_port, sizeof to.sin_port) != sizeof to.sin_port ||
        connect(fd, (struct sockaddr *)&to, sizeof to) != 0 || send(fd, "x", 1, 0) != 1)
        _exit(1);
    for (;;)
        pause();
}

static pid_t peer;
static int tell_peer;

static void kill_peer(void)
{
    int status;
    expect(kill(peer, SIGKILL) == 0 && waitpid(peer, &status, 0) == peer && WIFSIGNALED(status));
}

static ssize_t write_until_it_fails(oak_conn *c)
{
    static const char much[1 << 16];
    ssize_t n;
    while ((n = oak_write(c, much, sizeof much)) > 0)
        ;
    return n;
}

OAK_TASK(kill_soon, oak_conn *, c)
{
    (void)c;
    wait_until(how_many_wait(OAK_WAIT_IO) > 0);
    kill_peer();
}

static int with_a_killed_peer(int argc, char **argv)
{
    oak_listener *l;
    oak_conn *c;
    char text[64], byte;
    (void)argc, (void)argv;
    signal(SIGPIPE, SIG_DFL);
    expect(oak_listen("tcp", "127.0.0.1:0", &l) == 0 && oak_listener_addr(l, text, sizeof text) > 0);
    uint16_t port = htons((uint16_t)atoi(strchr(text, ':') + 1));
    expect(write(tell_peer, &port, sizeof port) == sizeof port);
    expect(oak_accept(l, &c) == 0 && oak_read(c, &byte, 1) == 1 && oak_listener_close(l) == 0);
    oak_scope (s) {
        /* Blocked in the middle of a write; what was sent and not read makes the peer's kernel send a reset. */
        expect(oak_go(s, kill_soon, c) == 0);
        ssize_t n = write_until_it_fails(c);
        expect(n == -ECONNRESET || n == -EPIPE);
    }
    expect(oak_write(c, "x", 1) == -EPIPE);
    ssize_t n = oak_read(c, &byte, 1);
    expect(n == 0 || n == -ECONNRESET);
    expect(oak_conn_wait_hangup(c) == 0);
    n = oak_conn_close_write(c);
    expect((n == 0 || n == -ENOTCONN) && oak_conn_close(c) == 0);
    return 0;
}

static void a_killed_peer_is_an_error(void **state)
{
    (void)state;
    peer = start_peer(&tell_peer);
    assert_int_equal(oak_run(with_a_killed_peer, 0, NULL), 0);
}

BOTH(pipes_and_socket_pairs_whose_other_end_is_gone)
{
    int fds[2];
    oak_conn *c, *end[2];
    char byte;
    signal(SIGPIPE, SIG_DFL);
    expect(pipe(fds) == 0 && close(fds[0]) == 0 && oak_conn_from_fd(fds[1], &c) == 0);
    struct iovec iov = {&byte, 1};
    expect(oak_write(c, "x", 1) == -EPIPE && oak_writev(c, &iov, 1) == -EPIPE && oak_conn_close(c) == 0);
    make_pair(end);
    expect(oak_write(end[0], "x", 1) == 1 && oak_conn_close(end[1]) == 0);
    ssize_t n = oak_write(end[0], "x", 1);
    expect((n == -EPIPE || n == -ECONNRESET) && oak_write(end[0], "x", 1) == -EPIPE);
    n = oak_read(end[0], &byte, 1);
    expect((n == 0 || n == -ECONNRESET) && oak_conn_close(end[0]) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_peer_is_an_error), /* first: it forks */
        cmocka_unit_test(wrong_handles),
        cmocka_unit_test(buffers),
        cmocka_unit_test(addresses),
        cmocka_unit_test(times_in_the_past),
        cmocka_unit_test(descriptors),
        cmocka_unit_test(pipes_and_socket_pairs_whose_other_end_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
