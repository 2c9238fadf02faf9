/*
 * A server on a port of the loopback and raw clients for it. The server runs in goroutines; the tests, and
 * their clients, on the program's main thread with plain sockets: what they see is what any client would see,
 * and cmocka's assertions, which jump, stay on one stack.
 */
#ifndef OAK_TEST_HTTP_HARNESS_H
#define OAK_TEST_HTTP_HARNESS_H

#include <oakum.h>
#include <oakum/http.h>

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define MAYBE_UNUSED __attribute__((unused))

/* So long a test waits for what must happen; nothing here asserts how fast it does. */
#define PATIENCE_MS 20000

struct server {
    oak_http_server *http;
    oak_listener *listener;
    int port;
    _Atomic int result; /* of oak_http_serve; 1 while it runs */
};

static void server_main(void *arg)
{
    struct server *s = arg;
    atomic_store(&s->result, oak_http_serve(s->http, s->listener));
}

/* Polls a condition: for what no event reports. */
#define wait_until(condition)                                                                                \
    do {                                                                                                     \
        int waited_ = 0;                                                                                     \
        while (!(condition)) {                                                                               \
            assert_true(waited_ < PATIENCE_MS);                                                              \
            nanosleep(&(struct timespec){0, 1000000}, NULL);                                                 \
            waited_++;                                                                                       \
        }                                                                                                    \
    } while (0)

static MAYBE_UNUSED void server_start(struct server *s, const struct oak_http_server_opts *opts)
{
    char address[64];
    s->http = oak_http_server_new(opts);
    assert_non_null(s->http);
    assert_int_equal(oak_listen("tcp", "127.0.0.1:0", &s->listener), 0);
    assert_true(oak_listener_addr(s->listener, address, sizeof address) > 0);
    s->port = atoi(strrchr(address, ':') + 1);
    atomic_store(&s->result, 1);
    assert_int_equal(oak_spawn_with(&(struct oak_spawn_opts){.name = "test server"}, server_main, s), 0);
}

static MAYBE_UNUSED void server_stop(struct server *s)
{
    assert_int_equal(oak_http_shutdown(s->http, OAK_HOUR), 0);
    wait_until(atomic_load(&s->result) != 1);
    assert_int_equal(atomic_load(&s->result), 0);
    assert_int_equal(oak_http_server_free(s->http), 0);
}

static MAYBE_UNUSED struct oak_http_stats server_stats(struct server *s)
{
    struct oak_http_stats st;
    assert_int_equal(oak_http_server_stats(s->http, &st), 0);
    return st;
}

/* ---- a client: a socket, and what came from it that is not looked at yet ---- */

struct client {
    int fd;
    size_t len;
    bool ended, reset;
    char data[1 << 20];
};

static MAYBE_UNUSED void client_open(struct client *c, const struct server *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->len = 0;
    c->ended = c->reset = false;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(c->fd >= 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof to), 0);
}

static MAYBE_UNUSED void client_close(struct client *c)
{
    close(c->fd);
}

static MAYBE_UNUSED void client_send_bytes(struct client *c, const void *data, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t n = send(c->fd, (const char *)data + sent, size - sent, MSG_NOSIGNAL);
        assert_true(n > 0);
        sent += (size_t)n;
    }
}

static MAYBE_UNUSED void client_send(struct client *c, const char *text)
{
    client_send_bytes(c, text, strlen(text));
}

/* Waits for more bytes. False at the end of the stream. */
static MAYBE_UNUSED bool client_more(struct client *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    assert_true(c->len < sizeof c->data - 1);
    if (poll(&p, 1, PATIENCE_MS) != 1)
        fail_msg("nothing came from the server; so far: %.*s", (int)c->len, c->data);
    ssize_t n = recv(c->fd, c->data + c->len, sizeof c->data - 1 - c->len, 0);
    c->reset = n < 0;
    if (n <= 0) {
        c->ended = true;
        return false;
    }
    c->len += (size_t)n;
    c->data[c->len] = 0;
    return true;
}

static MAYBE_UNUSED void client_eof(struct client *c)
{
    c->data[c->len] = 0;
    if (c->len)
        fail_msg("more than expected: %s", c->data);
    assert_false(client_more(c));
    assert_false(c->reset);
}

struct answer {
    int status;
    bool close, chunked, has_length;
    size_t length; /* of the body */
    char head[8192];
    char body[1 << 20];
};

static MAYBE_UNUSED const char *answer_header(const struct answer *a, const char *name)
{
    static char value[512];
    size_t len = strlen(name);
    for (const char *line = strstr(a->head, "\r\n"); line && line[2]; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') {
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line + len + 4, "\r"), line + len + 4);
            return value;
        }
    }
    return NULL;
}

static MAYBE_UNUSED void client_eat(struct client *c, size_t n)
{
    memmove(c->data, c->data + n, c->len - n);
    c->len -= n;
    c->data[c->len] = 0;
}

static MAYBE_UNUSED void client_line(struct client *c, char *line, size_t size)
{
    char *end;
    c->data[c->len] = 0;
    while (!(end = strstr(c->data, "\r\n")))
        assert_true(client_more(c));
    snprintf(line, size, "%.*s", (int)(end - c->data), c->data);
    client_eat(c, (size_t)(end - c->data) + 2);
}

static MAYBE_UNUSED void client_take(struct client *c, char *out, size_t n)
{
    while (c->len < n)
        assert_true(client_more(c));
    memcpy(out, c->data, n);
    client_eat(c, n);
}

static MAYBE_UNUSED void client_chunks(struct client *c, struct answer *a)
{
    for (;;) {
        char line[64];
        client_line(c, line, sizeof line);
        size_t n = strtoul(line, NULL, 16);
        assert_true(a->length + n < sizeof a->body);
        client_take(c, a->body + a->length, n);
        a->length += n;
        client_line(c, line, sizeof line);
        assert_string_equal(line, "");
        if (n == 0)
            return;
    }
}

/* Reads one response, however it is framed. `to`: the method that it answers. */
static MAYBE_UNUSED void client_read(struct client *c, struct answer *a, const char *to)
{
    char *end;
    c->data[c->len] = 0;
    while (!(end = strstr(c->data, "\r\n\r\n")))
        if (!client_more(c))
            fail_msg("the connection ended (%s) before a response: %s", c->reset ? "reset" : "closed",
                     c->data);
    size_t head = (size_t)(end - c->data) + 4;
    assert_true(head < sizeof a->head);
    memset(a, 0, offsetof(struct answer, head));
    memcpy(a->head, c->data, head - 2);
    a->head[head - 2] = 0;
    client_eat(c, head);
    assert_int_equal(sscanf(a->head, "HTTP/1.1 %d ", &a->status), 1);
    const char *v = answer_header(a, "Connection");
    a->close = v && strcasecmp(v, "close") == 0;
    a->chunked = answer_header(a, "Transfer-Encoding") != NULL;
    v = answer_header(a, "Content-Length");
    a->has_length = v != NULL;
    if (strcmp(to, "HEAD") == 0 || a->status == 204 || a->status == 304 || a->status < 200) {
        a->length = 0;
    } else if (a->chunked) {
        client_chunks(c, a);
    } else if (a->has_length) {
        a->length = strtoul(v, NULL, 10);
        assert_true(a->length < sizeof a->body);
        client_take(c, a->body, a->length);
    } else {
        while (client_more(c))
            ;
        a->length = c->len;
        client_take(c, a->body, a->length);
    }
    a->body[a->length] = 0;
}

static MAYBE_UNUSED void client_ask(struct client *c, const char *request, struct answer *a)
{
    char method[16];
    size_t len = strcspn(request, " ");
    assert_true(len < sizeof method);
    memcpy(method, request, len);
    method[len] = 0;
    client_send(c, request);
    client_read(c, a, method);
}

/* Big, so not on a stack; each test program is one process with one thread of tests. */
static MAYBE_UNUSED struct client cl, cl2;
static MAYBE_UNUSED struct answer an;

#endif
