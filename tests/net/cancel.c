/* The ambient context ends every call of this part, blocked or about to begin. */
#include "check.h"

#include <fcntl.h>
#include <oakum/file.h>
#include <sys/socket.h>
#include <sys/un.h>

static oak_ctx *ambient;

/* The calls run under `ambient`. */
#define UNDER_CTX(name, expr)                                                                                \
    static ssize_t name(struct call *c)                                                                      \
    {                                                                                                        \
        ssize_t n = -EBADE;                                                                                  \
        (void)c;                                                                                             \
        oak_with_ctx (ambient) {                                                                             \
            n = (expr);                                                                                      \
        }                                                                                                    \
        return n;                                                                                            \
    }

static int a_pipe[2];
UNDER_CTX(ctx_read, oak_read(c->conn, c->buf, c->size))
UNDER_CTX(ctx_write, oak_write(c->conn, c->buf, c->size))
UNDER_CTX(ctx_writev, oak_writev(c->conn, &(struct iovec){c->buf, c->size}, 1))
UNDER_CTX(ctx_readv, oak_readv(c->conn, &(struct iovec){c->buf, c->size}, 1))
UNDER_CTX(ctx_readable, oak_conn_wait_readable(c->conn))
UNDER_CTX(ctx_hangup, oak_conn_wait_hangup(c->conn))
UNDER_CTX(ctx_accept, oak_accept(c->listener, &c->conn))
UNDER_CTX(ctx_wait_fd, oak_wait_fd(a_pipe[0], OAK_READABLE, OAK_FOREVER))
UNDER_CTX(ctx_dial_unix, oak_dial("unix", c->buf, &c->conn))

static void blocked_calls_end(bool by_deadline)
{
    oak_conn *end[2];
    oak_listener *l;
    char buf[8];
    make_pair("unix", end);
    fill(end[0]);
    CHECK_INT(oak_listen("tcp", "127.0.0.1:0", &l), 0);
    CHECK_INT(pipe(a_pipe), 0);
    int64_t t = oak_now() + 30 * OAK_MILLISECOND;
    ambient = by_deadline ? oak_ctx_with_deadline(NULL, t) : oak_ctx_new(NULL);
    struct call calls[] = {
        {.fn = ctx_readable, .conn = end[0]},
        {.fn = ctx_read, .conn = end[0], .buf = buf, .size = sizeof buf},
        {.fn = ctx_readv, .conn = end[0], .buf = buf, .size = sizeof buf}, /* waits for its turn */
        {.fn = ctx_write, .conn = end[0], .buf = buf, .size = sizeof buf},
        {.fn = ctx_writev, .conn = end[0], .buf = buf, .size = sizeof buf},
        {.fn = ctx_hangup, .conn = end[0]},
        {.fn = ctx_accept, .listener = l},
        {.fn = ctx_wait_fd},
    };
    enum { N = sizeof calls / sizeof *calls };
    for (size_t i = 0; i < N; i++)
        start_call(&calls[i]);
    if (!by_deadline) {
        until_blocked(N);
        CHECK_INT(oak_ctx_cancel(ambient, 0), 0);
    }
    for (size_t i = 0; i < N; i++) {
        CHECK_INT(result_of(&calls[i]), by_deadline ? -ETIMEDOUT : -ECANCELED);
        CHECK(!by_deadline || calls[i].ended >= t);
    }
    /* What was waited for is as good as before. */
    CHECK_INT(oak_write(end[1], "x", 1), 1);
    CHECK_INT(oak_read(end[0], buf, sizeof buf), 1);
    close_pair(end);
    CHECK_INT(oak_listener_close(l), 0);
    close(a_pipe[0]);
    close(a_pipe[1]);
    oak_ctx_unref(ambient);
}

BOTH(cancel_ends_blocked_calls)
{
    blocked_calls_end(false);
    return 0;
}

BOTH(context_deadline_ends_blocked_calls)
{
    blocked_calls_end(true);
    return 0;
}

BOTH(nothing_begins_under_an_ended_context)
{
    oak_conn *end[2], *c;
    oak_listener *l;
    struct stat st;
    char buf[8], found[2][46];
    struct iovec iov = {buf, sizeof buf};
    make_pair("unix", end);
    CHECK_INT(oak_write(end[1], "data", 4), 4);
    CHECK_INT(oak_listen("unix", own_address("cancel"), &l), 0);
    int fd = oak_file_open("/dev/zero", O_RDWR, 0);
    ambient = oak_ctx_new(NULL);
    CHECK_INT(oak_ctx_cancel(ambient, 0), 0);
    oak_with_ctx (ambient) {
        CHECK_INT(oak_read(end[0], buf, 4), -ECANCELED);
        CHECK_INT(oak_readv(end[0], &iov, 1), -ECANCELED);
        CHECK_INT(oak_write(end[0], buf, 4), -ECANCELED);
        CHECK_INT(oak_writev(end[0], &iov, 1), -ECANCELED);
        CHECK_INT(oak_try_read(end[0], buf, 4), -ECANCELED);
        CHECK_INT(oak_conn_wait_readable(end[0]), -ECANCELED);
        CHECK_INT(oak_conn_wait_hangup(end[0]), -ECANCELED);
        CHECK_INT(oak_accept(l, &c), -ECANCELED);
        CHECK_INT(oak_dial("unix", own_address("cancel"), &c), -ECANCELED);
        CHECK_INT(oak_dial("tcp", "127.0.0.1:1", &c), -ECANCELED);
        CHECK_INT(oak_wait_fd(fd, OAK_READABLE, OAK_FOREVER), -ECANCELED);
        CHECK_INT(oak_lookup_host("localhost", found, 2), -ECANCELED);
        CHECK_INT(oak_file_open("/dev/zero", O_RDONLY, 0), -ECANCELED);
        CHECK_INT(oak_file_read(fd, buf, 4, -1), -ECANCELED);
        CHECK_INT(oak_file_write(fd, buf, 4, -1), -ECANCELED);
        CHECK_INT(oak_file_sync(fd), -ECANCELED);
        CHECK_INT(oak_file_stat("/", &st), -ECANCELED);
        CHECK_INT(oak_file_close(fd), 0); /* who cleans up can */
        CHECK_INT(oak_conn_close(end[1]), 0);
    }
    CHECK_INT(oak_read(end[0], buf, sizeof buf), 4);
    CHECK_INT(oak_conn_close(end[0]), 0);
    CHECK_INT(oak_listener_close(l), 0);
    oak_ctx_unref(ambient);
    return 0;
}

/* A Unix connect to a listener with a full queue waits; so does one to a TCP listener that answers no more. */
BOTH(dial_that_waits_ends_with_the_context)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char name[64];
    snprintf(name, sizeof name, "%s", own_address("full"));
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    memcpy(sa.sun_path + 1, name + 1, strlen(name) - 1); /* no @ but a zero byte */
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    CHECK_INT(bind(fd, (struct sockaddr *)&sa, len), 0);
    CHECK_INT(listen(fd, 0), 0);
    oak_conn *first;
    CHECK_INT(oak_dial("unix", name, &first), 0);
    ambient = oak_ctx_with_timeout(NULL, 30 * OAK_MILLISECOND);
    struct call dial = {.fn = ctx_dial_unix, .buf = name};
    start_call(&dial);
    CHECK_INT(result_of(&dial), -ETIMEDOUT);
    oak_ctx_unref(ambient);
    /* Without a limit it gets its turn when there is room. */
    ambient = oak_ctx_new(NULL);
    start_call(&dial);
    CHECK_INT(oak_sleep(5 * OAK_MILLISECOND), 0);
    int got = accept(fd, NULL, NULL);
    CHECK(got >= 0);
    CHECK_INT(result_of(&dial), 0);
    CHECK_INT(oak_conn_close(dial.conn), 0);
    CHECK_INT(oak_conn_close(first), 0);
    close(got);
    close(fd);
    oak_ctx_unref(ambient);
    return 0;
}

/* Under a context that can end, the question is asked by another goroutine; the answer is the same. */
UNDER_CTX(ctx_lookup, oak_lookup_host("localhost", c->buf, 4))

BOTH(look_up_under_a_context)
{
    static char found[20][4][46];
    static struct call calls[20];
    ambient = oak_ctx_with_timeout(NULL, OAK_MINUTE);
    for (int i = 0; i < 20; i++) {
        calls[i] = (struct call){.fn = ctx_lookup, .buf = found[i]};
        start_call(&calls[i]);
    }
    for (int i = 0; i < 20; i++) {
        CHECK(result_of(&calls[i]) >= 1);
        CHECK(strcmp(found[i][0], "127.0.0.1") == 0 || strcmp(found[i][0], "::1") == 0);
    }
    oak_ctx_unref(ambient);
    /* Ended in the middle, or not: it returns, and nothing is written afterwards. */
    for (int i = 0; i < 100; i++) {
        ambient = oak_ctx_with_timeout(NULL, i * 5 * OAK_MICROSECOND);
        calls[0] = (struct call){.fn = ctx_lookup, .buf = found[0]};
        start_call(&calls[0]);
        ssize_t n = result_of(&calls[0]);
        CHECK(n >= 1 || n == -ETIMEDOUT);
        oak_ctx_unref(ambient);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TESTS(cancel_ends_blocked_calls),
        BOTH_TESTS(context_deadline_ends_blocked_calls),
        BOTH_TESTS(nothing_begins_under_an_ended_context),
        BOTH_TESTS(dial_that_waits_ends_with_the_context),
        BOTH_TESTS(look_up_under_a_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
