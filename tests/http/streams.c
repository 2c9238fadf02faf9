/* Bodies that are sent as they come. */
#include "harness.h"

static int hello(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    return oak_http_reply(p, 200, "text/plain", "hello\n", 6);
}

static int echo_path(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    char a[64] = "-", b[64] = "-";
    (void)!oak_http_query_param(q, "a", a, sizeof a);
    (void)!oak_http_query_param(q, "b c", b, sizeof b);
    return oak_http_printf(p, "%s %s|%s|%s|%s|%d", oak_http_method(q), oak_http_path(q), oak_http_query(q), a,
                           b, oak_http_version(q));
}

/* ?n=bytes: as many, in pieces of ?by= */
static int stream(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    char n[16] = "0", by[16] = "1000", length[16];
    char piece[8192];
    (void)!oak_http_query_param(q, "n", n, sizeof n);
    (void)!oak_http_query_param(q, "by", by, sizeof by);
    if (oak_http_query_param(q, "length", length, sizeof length) > 0 &&
        oak_http_set_header(p, "Content-Length", length))
        return -EIO;
    size_t left = strtoul(n, NULL, 10), step = strtoul(by, NULL, 10);
    for (size_t at = 0; left > 0;) {
        size_t now = left < step ? left : step;
        for (size_t i = 0; i < now; i++)
            piece[i] = (char)('a' + (at + i) % 26);
        int rc = oak_http_write(p, piece, now);
        if (rc)
            return rc;
        at += now;
        left -= now;
    }
    return 0;
}

static int flushed(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q;
    _Atomic int *go_on = arg;
    int rc = oak_http_write(p, "first", 5);
    rc = rc ? rc : oak_http_flush(p);
    while (rc == 0 && !atomic_load(go_on))
        rc = oak_sleep(OAK_MILLISECOND);
    return rc ? rc : oak_http_write(p, "second", 6);
}

static int fails_late(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    int rc = oak_http_write(p, "part", 4);
    rc = rc ? rc : oak_http_flush(p);
    return rc ? rc : -EIO;
}

static struct server srv;
static oak_http_router *router;
static _Atomic int go_on;

static int set_up(void **state)
{
    (void)state;
    router = oak_http_router_new();
    assert_non_null(router);
    assert_int_equal(oak_http_route(router, "GET", "/", hello, NULL), 0);
    assert_int_equal(oak_http_route(router, "GET", "/path", echo_path, NULL), 0);
    assert_int_equal(oak_http_route(router, "GET", "/stream", stream, NULL), 0);
    assert_int_equal(oak_http_route(router, "GET", "/flushed", flushed, &go_on), 0);
    assert_int_equal(oak_http_route(router, "GET", "/late", fails_late, NULL), 0);
    server_start(&srv, &(struct oak_http_server_opts){.handler = oak_http_router_handle, .arg = router});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(&srv);
    oak_http_router_free(router);
    return 0;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static void check_stream(size_t n)
{
    assert_int_equal(an.length, n);
    for (size_t i = 0; i < n; i++)
        if (an.body[i] != (char)('a' + i % 26))
            fail_msg("byte %zu of %zu is wrong", i, n);
}

static void long_bodies_are_chunked_and_short_ones_are_not(void **state)
{
    (void)state;
    static const struct {
        size_t n, by;
        bool chunked;
    } cases[] = {{0, 1, false},       {1, 1, false},     {4096, 1, false},
                 {4096, 4096, false}, {4097, 1, true},   {4097, 4097, true},
                 {8192, 8192, true},  {100000, 7, true}, {500000, 8000, true}};
    client_open(&cl, &srv);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char request[128];
        snprintf(request, sizeof request, GET("/stream?n=%zu&by=%zu"), cases[i].n, cases[i].by);
        client_ask(&cl, request, &an);
        assert_int_equal(an.chunked, cases[i].chunked);
        check_stream(cases[i].n);
    }
    client_close(&cl);
}

static void declared_length_is_kept_to(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_ask(&cl, GET("/stream?n=50000&length=50000"), &an);
    assert_false(an.chunked);
    check_stream(50000);
    client_ask(&cl, GET("/stream?n=10&length=11"), &an);
    assert_int_equal(an.status, 500);
    client_ask(&cl, GET("/stream?n=10&length=9"), &an);
    assert_int_equal(an.status, 413);
    /* Too late to say anything: the connection ends, so that the client sees that something is missing. */
    client_send(&cl, GET("/stream?n=20000&length=20001"));
    while (client_more(&cl))
        ;
    assert_non_null(strstr(cl.data, "Content-Length: 20001"));
    assert_true(cl.len < 20001 + (size_t)(strstr(cl.data, "\r\n\r\n") + 4 - cl.data));
    client_close(&cl);
}

static void http_1_0_gets_no_chunks(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_ask(&cl, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &an);
    assert_string_equal(an.body, "hello\n");
    assert_string_equal(answer_header(&an, "Connection"), "keep-alive");
    client_ask(&cl, "GET /path HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &an);
    assert_string_equal(an.body, "GET /path||-|-|10");
    client_ask(&cl, "GET /stream?n=20000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &an);
    assert_false(an.chunked);
    assert_false(an.has_length);
    check_stream(20000);
    client_eof(&cl);
    client_close(&cl);
    client_open(&cl, &srv);
    client_ask(&cl, "GET / HTTP/1.0\r\n\r\n", &an);
    assert_string_equal(an.body, "hello\n");
    client_eof(&cl);
    client_close(&cl);
}

static void flush_sends_what_there_is(void **state)
{
    (void)state;
    atomic_store(&go_on, 0);
    client_open(&cl, &srv);
    client_send(&cl, GET("/flushed"));
    while (!strstr(cl.data, "first\r\n"))
        assert_true(client_more(&cl));
    assert_null(strstr(cl.data, "second"));
    atomic_store(&go_on, 1);
    client_read(&cl, &an, "GET");
    assert_true(an.chunked);
    assert_string_equal(an.body, "firstsecond");
    client_close(&cl);
}

static void handler_that_fails_late_cuts_the_connection(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_send(&cl, GET("/late"));
    while (client_more(&cl))
        ;
    assert_non_null(strstr(cl.data, "4\r\npart\r\n"));
    assert_null(strstr(cl.data, "\r\n0\r\n"));
    client_close(&cl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_bodies_are_chunked_and_short_ones_are_not),
        cmocka_unit_test(declared_length_is_kept_to),
        cmocka_unit_test(http_1_0_gets_no_chunks),
        cmocka_unit_test(flush_sends_what_there_is),
        cmocka_unit_test(handler_that_fails_late_cuts_the_connection),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
