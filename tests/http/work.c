/* Connections that take turns with the same blocks of work: nothing of one is ever another's. */
#include "harness.h"

#include <malloc.h>
#include <sys/mman.h>

static int echo(oak_http_request *q, oak_http_response *p, void *arg)
{
    char text[256];
    char *body;
    (void)arg;
    if (strcmp(oak_http_path(q), "/panic") == 0)
        oak_panic("on purpose");
    if (strcmp(oak_http_path(q), "/fields") == 0) {
        char value[9000];
        memset(value, 'v', sizeof value - 1);
        value[sizeof value - 1] = 0;
        return oak_http_add_header(p, "X-Large", value);
    }
    ssize_t n = oak_http_read_all(q, &body);
    if (n < 0)
        return (int)n;
    const char *mark = oak_http_header(q, "X-Mark");
    snprintf(text, sizeof text, "%s?%s %s %s", oak_http_path(q), oak_http_query(q), mark ? mark : "-", body);
    return oak_http_reply(p, 200, NULL, text, strlen(text));
}

static void quiet(void *arg, const char *line)
{
    (void)arg, (void)line;
}

static void start(struct server *srv)
{
    server_start(srv, &(struct oak_http_server_opts){.handler = echo, .log = quiet});
}

/* How a connection may end, each time in the middle of something. */
static const char *const ends[] = {
    "GET /left?over HTTP/1.1\r\nHost: a\r\nX-Mark: le",
    "POST /left?over HTTP/1.1\r\nHost: a\r\nX-Mark: left\r\nContent-Length: 100\r\n\r\nleft",
    "POST /left HTTP/1.1\r\nHost: a\r\nX-Mark: left\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nle",
    "GET /left HTTP/1.1\r\nHost: a\r\nX-Mark: left\r\n\r\nGET /left?",
    "GET /left HTTP/1.1\r\nX-Mark: left\r\nno field at all\r\n\r\n",
    "GET /panic HTTP/1.1\r\nHost: a\r\nX-Mark: left\r\n\r\nGET /left",
    "GET /fields HTTP/1.1\r\nHost: a\r\nX-Mark: left\r\n\r\n",
};

static void what_a_connection_leaves_is_not_the_next_ones(void **state)
{
    (void)state;
    struct server srv;
    start(&srv);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        client_open(&cl, &srv);
        client_send(&cl, ends[i]);
        assert_int_equal(shutdown(cl.fd, SHUT_WR), 0);
        while (client_more(&cl))
            cl.len = 0;
        client_close(&cl);
        wait_until(server_stats(&srv).open == 0);
        client_open(&cl, &srv);
        for (int again = 0; again < 2; again++) {
            client_ask(&cl, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n", &an);
            assert_int_equal(an.status, 200);
            assert_string_equal(an.body, "/next? - ");
        }
        client_close(&cl);
        wait_until(server_stats(&srv).open == 0);
    }
    server_stop(&srv);
}

/* Each connection's request comes in three pieces, with those of all others in between. */
static void requests_in_pieces_do_not_mix(void **state)
{
    enum { N = 150 };
    (void)state;
    struct server srv;
    static int fds[N];
    char text[128];
    start(&srv);
    for (int i = 0; i < N; i++) {
        client_open(&cl, &srv);
        fds[i] = cl.fd;
    }
    for (int round = 0; round < 3; round++) {
        for (int piece = 0; piece < 3; piece++)
            for (int i = 0; i < N; i++) {
                if (piece == 0)
                    snprintf(text, sizeof text, "POST /%d?%d HTTP/1.1\r\nHost: a\r\nX-Ma", i, round);
                else if (piece == 1)
                    snprintf(text, sizeof text, "rk: %d\r\nContent-Length: 4\r\n\r\n", i * 7);
                else
                    snprintf(text, sizeof text, "%04d", i);
                cl.fd = fds[i];
                client_send(&cl, text);
            }
        for (int i = 0; i < N; i++) {
            cl.fd = fds[i];
            cl.len = 0;
            client_read(&cl, &an, "POST");
            snprintf(text, sizeof text, "/%d?%d %d %04d", i, round, i * 7, i);
            assert_string_equal(an.body, text);
        }
    }
    for (int i = 0; i < N; i++)
        close(fds[i]);
    server_stop(&srv);
}

/* The heap that one more connection takes which has been served and is idle. The sanitizers' heaps count otherwise. */
static void idle_connection_holds_no_buffers(void **state)
{
    enum { N = 400, MOST = 1024 };
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#endif
    struct server srv;
    static int fds[N];
    start(&srv);
    size_t before = 0;
    for (int i = 0; i < N; i++) {
        client_open(&cl, &srv);
        client_ask(&cl, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", &an);
        assert_string_equal(an.body, "/a? - ");
        fds[i] = cl.fd;
        if (i == N / 2)
            before = mallinfo2().uordblks;
    }
    size_t each = (mallinfo2().uordblks - before) / (N / 2);
    print_message("%zu bytes\n", each);
    assert_true(each < MOST);
    for (int i = 0; i < N; i++)
        close(fds[i]);
    server_stop(&srv);
}

static _Atomic uintptr_t deep_page;

static __attribute__((noinline)) void go_deep(void)
{
    char big[40 * 1024];
    memset(big, 1, sizeof big);
    __asm__ volatile("" : : "r"(big) : "memory");
    atomic_store(&deep_page, ((uintptr_t)big + 8192) & ~(uintptr_t)4095);
}

static int deep(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    go_deep();
    return oak_http_reply(p, 200, NULL, "deep", 4);
}

static bool resident(uintptr_t page)
{
    unsigned char in = 1;
    assert_int_equal(mincore((void *)page, 4096, &in), 0);
    return in & 1;
}

/* What its handler has touched, while it waits for the next request; and it still serves that. */
static void stack_of_an_idle_connection_is_given_back(void **state)
{
    (void)state;
    struct server srv;
    server_start(&srv, &(struct oak_http_server_opts){.handler = deep});
    client_open(&cl, &srv);
    for (int i = 0; i < 2; i++) {
        client_ask(&cl, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", &an);
        assert_string_equal(an.body, "deep");
        wait_until(!resident(atomic_load(&deep_page)));
    }
    client_close(&cl);
    server_stop(&srv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_connection_leaves_is_not_the_next_ones),
        cmocka_unit_test(requests_in_pieces_do_not_mix),
        cmocka_unit_test(idle_connection_holds_no_buffers),
        cmocka_unit_test(stack_of_an_idle_connection_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
