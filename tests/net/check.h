/*
 * Tests that run in goroutines. cmocka's asserts jump to another stack there, so these stop the program
 * instead.
 *
 *     BOTH(reads_what_was_written)
 *     {
 *         ...
 *     }
 * defines reads_what_was_written_in_goroutine and reads_what_was_written_on_thread, two cmocka tests with one
 * body: a plain thread must be able to do all that a goroutine can.
 */
#ifndef OAK_TESTS_NET_CHECK_H
#define OAK_TESTS_NET_CHECK_H

#include "sched/park.h"

#include <oakum.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define CHECK(cond)                                                                                          \
    do {                                                                                                     \
        if (!(cond)) {                                                                                       \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);                             \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)
#define CHECK_INT(got, want)                                                                                 \
    do {                                                                                                     \
        long long got_ = (long long)(got), want_ = (long long)(want);                                        \
        if (got_ != want_) {                                                                                 \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, got_, want_);         \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

#define BOTH(name)                                                                                           \
    static int name(int argc, char **argv);                                                                  \
    static void name##_in_goroutine(void **state)                                                            \
    {                                                                                                        \
        (void)state;                                                                                         \
        assert_int_equal(oak_run(name, 0, NULL), 0);                                                         \
    }                                                                                                        \
    static void name##_on_thread(void **state)                                                               \
    {                                                                                                        \
        (void)state;                                                                                         \
        assert_int_equal(name(0, NULL), 0);                                                                  \
    }                                                                                                        \
    static int name(__attribute__((unused)) int argc, __attribute__((unused)) char **argv)
#define BOTH_TESTS(name) cmocka_unit_test(name##_in_goroutine), cmocka_unit_test(name##_on_thread)

/* Two connections that are each other's peer, over TCP or Unix sockets. */
__attribute__((unused)) static void make_pair(const char *network, oak_conn *end[2])
{
    static _Atomic int names;
    char address[64];
    oak_listener *l;
    if (strcmp(network, "unix") == 0)
        snprintf(address, sizeof address, "@oakum-test-%d-%d", (int)getpid(), names++);
    else
        snprintf(address, sizeof address, "%s:0", strcmp(network, "tcp6") == 0 ? "[::1]" : "127.0.0.1");
    CHECK_INT(oak_listen(network, address, &l), 0);
    CHECK(oak_listener_addr(l, address, sizeof address) > 0);
    CHECK_INT(oak_dial(network, address, &end[0]), 0);
    CHECK_INT(oak_accept(l, &end[1]), 0);
    CHECK_INT(oak_listener_close(l), 0);
}

/* Fills the way to the peer: who writes from now on waits. */
__attribute__((unused)) static void fill(oak_conn *c)
{
    static const char buf[256 << 10];
    while (send(oak_conn_fd(c), buf, sizeof buf, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        ;
    CHECK_INT(errno, EAGAIN);
}

/* A Unix address that no other process has. */
__attribute__((unused)) static const char *own_address(const char *name)
{
    static char address[64];
    snprintf(address, sizeof address, "@oakum-%s-%d", name, (int)getpid());
    return address;
}

/* A pipe's two ends. */
__attribute__((unused)) static void make_pipe(oak_conn **in, oak_conn **out)
{
    int fd[2];
    CHECK_INT(pipe(fd), 0);
    CHECK_INT(oak_conn_from_fd(fd[0], in), 0);
    CHECK_INT(oak_conn_from_fd(fd[1], out), 0);
}

__attribute__((unused)) static void close_pair(oak_conn *end[2])
{
    CHECK_INT(oak_conn_close(end[0]), 0);
    CHECK_INT(oak_conn_close(end[1]), 0);
}

/* Whether this machine has IPv6 on the loopback interface. */
__attribute__((unused)) static bool have_ipv6(void)
{
    oak_listener *l;
    if (oak_listen("tcp6", "[::1]:0", &l))
        return false;
    CHECK_INT(oak_listener_close(l), 0);
    return true;
}

/*
 * A goroutine that makes one blocking call and reports its result on a channel.
 * struct call: fill in what the call needs; result_of waits for it.
 */
struct call {
    ssize_t (*fn)(struct call *);
    oak_conn *conn;
    oak_listener *listener;
    void *buf;
    size_t size;
    int64_t ended; /* when the call returned */
    oak_chan(ssize_t) done;
};

__attribute__((unused)) static void make_call(void *arg)
{
    struct call *c = arg;
    ssize_t result = c->fn(c);
    c->ended = oak_now();
    CHECK_INT(oak_send(c->done, result), 0);
}

__attribute__((unused)) static void start_call(struct call *c)
{
    c->done = oak_make(ssize_t, 1);
    CHECK_INT(oak_spawn(make_call, c), 0);
}

__attribute__((unused)) static ssize_t result_of(struct call *c)
{
    ssize_t result;
    CHECK_INT(oak_recv(c->done, &result), 0);
    CHECK_INT(oak_chan_free(c->done), 0);
    return result;
}

__attribute__((unused)) static ssize_t call_read(struct call *c)
{
    return oak_read(c->conn, c->buf, c->size);
}

__attribute__((unused)) static ssize_t call_write(struct call *c)
{
    return oak_write(c->conn, c->buf, c->size);
}

__attribute__((unused)) static ssize_t call_hangup(struct call *c)
{
    return oak_conn_wait_hangup(c->conn);
}

__attribute__((unused)) static ssize_t call_readable(struct call *c)
{
    return oak_conn_wait_readable(c->conn);
}

__attribute__((unused)) static ssize_t call_accept(struct call *c)
{
    return oak_accept(c->listener, &c->conn);
}

/* By the runtime's own table, which costs little: oak_goroutines() would copy every stack as well. */
__attribute__((unused)) static bool count_io(struct oak__g *g, void *arg)
{
    int *count = arg;
    *count +=
        OAK__W_PHASE(load_acquire(&g->wait)) == OAK__W_PARKED && load_relaxed(&g->reason) == OAK_WAIT_IO;
    return true;
}

/* Waits until n goroutines are blocked in I/O: then a call that was started is really under way. */
__attribute__((unused)) static void until_blocked(int n)
{
    for (;;) {
        int count = 0;
        oak__each_g(count_io, &count);
        if (count == n)
            return;
        CHECK_INT(oak_sleep(OAK_MILLISECOND), 0);
    }
}

#endif
