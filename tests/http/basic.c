/* Requests and responses over a real connection. */
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

static int fields(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    const char *name, *value;
    for (size_t i = 0; oak_http_header_at(q, i, &name, &value) == 0; i++)
        if (oak_http_printf(p, "%s=%s;", name, value))
            return -EIO;
    const char *b = oak_http_header(q, "x-b");
    return oak_http_printf(p, "%s", b ? b : "none");
}

static int set_fields(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    int bad = 0;
    bad += oak_http_set_header(p, "X-Bad", "a\r\nSet-Cookie: evil=1") == -EINVAL;
    bad += oak_http_set_header(p, "X-Bad", "a\nb") == -EINVAL;
    bad += oak_http_add_header(p, "X-Bad", "a\rb") == -EINVAL;
    bad += oak_http_add_header(p, "X-Bad\r\nX", "a") == -EINVAL;
    bad += oak_http_add_header(p, "X Bad", "a") == -EINVAL;
    bad += oak_http_add_header(p, "", "a") == -EINVAL;
    bad += oak_http_add_header(p, "X:", "a") == -EINVAL;
    bad += oak_http_set_header(p, NULL, "a") == -EINVAL;
    bad += oak_http_set_header(p, "X-Bad", NULL) == -EINVAL;
    bad += oak_http_set_header(p, "Transfer-Encoding", "chunked") == -EINVAL;
    bad += oak_http_set_header(p, "Content-Length", "-1") == -EINVAL;
    bad += oak_http_status(p, 99) == -EINVAL;
    bad += oak_http_status(p, 600) == -EINVAL;
    if (bad != 13 || oak_http_add_header(p, "X-A", "one") || oak_http_add_header(p, "X-AB", "two") ||
        oak_http_add_header(p, "x-a", "three") || oak_http_set_header(p, "X-A", "four") ||
        oak_http_status(p, 201))
        return -EIO;
    int rc = oak_http_reply(p, 201, NULL, "x", 1);
    if (rc == 0 && (oak_http_status(p, 200) != -EALREADY || oak_http_set_header(p, "A", "b") != -EALREADY))
        return -EIO;
    return rc;
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

static int empty(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q;
    return oak_http_status(p, (int)(intptr_t)arg);
}

static int closes(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    int rc = oak_http_set_header(p, "Connection", "close");
    return rc ? rc : oak_http_write(p, "bye", 3);
}

static int fails(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q;
    int rc = oak_http_set_header(p, "X-Dropped", "yes");
    rc = rc ? rc : oak_http_write(p, "dropped", 7);
    return rc ? -EIO : (int)(intptr_t)arg;
}

static int fails_late(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    int rc = oak_http_write(p, "part", 4);
    rc = rc ? rc : oak_http_flush(p);
    return rc ? rc : -EIO;
}

static int params(oak_http_request *q, oak_http_response *p, void *arg)
{
    char id[32] = "?", rest[64] = "?", small[3];
    (void)!oak_http_param(q, "id", id, sizeof id);
    (void)!oak_http_param(q, "*", rest, sizeof rest);
    ssize_t n = oak_http_param(q, "id", small, sizeof small);
    return oak_http_printf(p, "%s:%s:%s:%zd:%s", (const char *)arg, id, rest, n, n > 0 ? small : "-");
}

static struct server srv;
static oak_http_router *router;
static _Atomic int go_on;

static int set_up(void **state)
{
    (void)state;
    router = oak_http_router_new();
    assert_non_null(router);
#define ROUTE(m, pattern, fn, arg)                                                                           \
    assert_int_equal(oak_http_route(router, m, pattern, fn, (void *)(intptr_t)(arg)), 0)
    ROUTE("GET", "/", hello, 0);
    ROUTE(NULL, "/path", echo_path, 0);
    ROUTE(NULL, "/a%20b/../c", echo_path, 0);
    ROUTE("GET", "/fields", fields, 0);
    ROUTE("GET", "/set", set_fields, 0);
    ROUTE("GET", "/stream", stream, 0);
    ROUTE("GET", "/flushed", flushed, &go_on);
    ROUTE("GET", "/204", empty, 204);
    ROUTE("GET", "/304", empty, 304);
    ROUTE("GET", "/404", empty, 404);
    ROUTE("GET", "/close", closes, 0);
    ROUTE("GET", "/eio", fails, -EIO);
    ROUTE("GET", "/etimedout", fails, -ETIMEDOUT);
    ROUTE("GET", "/emsgsize", fails, -EMSGSIZE);
    ROUTE("GET", "/ebadmsg", fails, -EBADMSG);
    ROUTE("GET", "/late", fails_late, 0);
    ROUTE("POST", "/only/post", hello, 0);
    ROUTE("PUT", "/only/{what}", hello, 0);
    ROUTE("GET", "/user/{id}", params, "user");
    ROUTE("GET", "/user/{id}/file/*", params, "file");
    ROUTE("GET", "/static/*", params, "static");
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

static void many_requests_on_one_connection(void **state)
{
    (void)state;
    uint64_t before = server_stats(&srv).accepted;
    client_open(&cl, &srv);
    for (int i = 0; i < 50; i++) {
        client_ask(&cl, GET("/"), &an);
        assert_int_equal(an.status, 200);
        assert_string_equal(an.body, "hello\n");
        assert_string_equal(answer_header(&an, "Content-Type"), "text/plain");
        assert_string_equal(answer_header(&an, "Content-Length"), "6");
        assert_false(an.close);
    }
    client_close(&cl);
    assert_int_equal(server_stats(&srv).accepted - before, 1);
}

static void response_has_a_date(void **state)
{
    (void)state;
    struct tm tm = {0};
    client_open(&cl, &srv);
    client_ask(&cl, GET("/"), &an);
    const char *date = answer_header(&an, "Date");
    assert_non_null(date);
    const char *end = strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    assert_non_null(end);
    assert_int_equal(*end, 0);
    assert_int_equal(strlen(date), 29);
    assert_true(llabs((long long)(timegm(&tm) - time(NULL))) < 3600);
    client_close(&cl);
}

static void head_gets_the_head_alone(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_ask(&cl, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", &an);
    assert_int_equal(an.status, 200);
    assert_string_equal(answer_header(&an, "Content-Length"), "6");
    client_ask(&cl, "HEAD /stream?n=100 HTTP/1.1\r\nHost: a\r\n\r\n", &an);
    assert_string_equal(answer_header(&an, "Content-Length"), "100");
    client_ask(&cl, "HEAD /stream?n=100000 HTTP/1.1\r\nHost: a\r\n\r\n", &an);
    assert_int_equal(an.status, 200);
    /* The next response follows at once. */
    client_ask(&cl, GET("/"), &an);
    assert_string_equal(an.body, "hello\n");
    client_close(&cl);
}

static void path_and_query_are_kept_as_sent(void **state)
{
    (void)state;
    static const struct {
        const char *request, *body;
    } cases[] = {
        {GET("/path"), "GET /path||-|-|11"},
        {GET("/path?"), "GET /path||-|-|11"},
        {GET("/path?a=1%202+3&b%20c=x"), "GET /path|a=1%202+3&b%20c=x|1 2 3|x|11"},
        {GET("/path?a&b+c=%zz%4"), "GET /path|a&b+c=%zz%4||%zz%4|11"},
        {GET("/path?aa=1&a=2&a=3"), "GET /path|aa=1&a=2&a=3|2|-|11"},
        {GET("/path?x?y"), "GET /path|x?y|-|-|11"},
        {GET("/a%20b/../c"), "GET /a%20b/../c||-|-|11"},
        {"PATCH /path HTTP/1.1\r\nHost: a\r\n\r\n", "PATCH /path||-|-|11"},
        {"GET http://example.org/path?a=b HTTP/1.1\r\nHost: example.org\r\n\r\n", "GET /path|a=b|b|-|11"},
    };
    client_open(&cl, &srv);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client_ask(&cl, cases[i].request, &an);
        assert_string_equal(an.body, cases[i].body);
    }
    client_ask(&cl, "GET http://example.org HTTP/1.1\r\nHost: example.org\r\n\r\n", &an);
    assert_string_equal(an.body, "hello\n");
    client_close(&cl);
}

static void request_fields_can_be_read(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_ask(&cl, "GET /fields HTTP/1.1\r\nHost: a\r\nX-B:  two words \r\nEmpty:\r\nx-b: second\r\n\r\n",
               &an);
    assert_string_equal(an.body, "Host=a;X-B=two words;Empty=;x-b=second;two words");
    client_close(&cl);
}

static void response_fields_cannot_be_injected(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_ask(&cl, GET("/set"), &an);
    assert_int_equal(an.status, 201);
    assert_string_equal(answer_header(&an, "X-A"), "four");
    assert_string_equal(answer_header(&an, "X-AB"), "two");
    assert_null(strstr(an.head, "three"));
    assert_null(strstr(an.head, "evil"));
    assert_null(strstr(an.head, "X-Bad"));
    client_close(&cl);
}

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

static void bodiless_statuses_have_no_body(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_ask(&cl, GET("/204"), &an);
    assert_int_equal(an.status, 204);
    assert_false(an.has_length);
    client_ask(&cl, GET("/304"), &an);
    assert_int_equal(an.status, 304);
    assert_false(an.has_length);
    client_ask(&cl, GET("/404"), &an);
    assert_int_equal(an.status, 404);
    assert_string_equal(answer_header(&an, "Content-Length"), "0");
    client_close(&cl);
}

static void either_side_can_end_the_connection(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_ask(&cl, GET("/close"), &an);
    assert_true(an.close);
    assert_string_equal(an.body, "bye");
    client_eof(&cl);
    client_close(&cl);
    client_open(&cl, &srv);
    client_ask(&cl, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &an);
    assert_true(an.close);
    assert_string_equal(an.body, "hello\n");
    client_eof(&cl);
    client_close(&cl);
}

static void failing_handler_gives_an_error_response(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int status;
    } cases[] = {{GET("/eio"), 500},
                 {GET("/etimedout"), 503},
                 {GET("/emsgsize"), 413},
                 {GET("/ebadmsg"), 400},
                 {GET("/"), 200}};
    client_open(&cl, &srv);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client_ask(&cl, cases[i].request, &an);
        assert_int_equal(an.status, cases[i].status);
        assert_null(strstr(an.head, "X-Dropped"));
        assert_null(strstr(an.body, "dropped"));
    }
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

static void routes_match_by_method_and_pattern(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int status;
        const char *body;
    } cases[] = {
        {GET("/user/42"), 200, "user:42:?:2:42"},
        {GET("/user/12345"), 200, "user:12345:?:5:12"},
        {GET("/user/"), 404, NULL},
        {GET("/user"), 404, NULL},
        {GET("/user/1/"), 404, NULL},
        {GET("/user/1/file/a/b"), 200, "file:1:a/b:1:1"},
        {GET("/static/"), 200, "static:?::-2:-"},
        {GET("/static/x/y.js?z"), 200, "static:?:x/y.js:-2:-"},
        {GET("/nowhere"), 404, NULL},
        {GET("/only/post"), 405, NULL},
        {"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, NULL},
    };
    client_open(&cl, &srv);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client_ask(&cl, cases[i].request, &an);
        assert_int_equal(an.status, cases[i].status);
        if (cases[i].body)
            assert_string_equal(an.body, cases[i].body);
    }
    client_ask(&cl, GET("/only/post"), &an);
    assert_string_equal(answer_header(&an, "Allow"), "POST, PUT");
    client_close(&cl);
}

static void bad_patterns_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      "a",    "/{",  "/{}", "/a{b}",
                                      "/{a}b", "/*/a", "/a*", "/**", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(oak_http_route(router, "GET", bad[i], hello, NULL), -EINVAL);
    assert_int_equal(oak_http_route(router, "GET", NULL, hello, NULL), -EINVAL);
    assert_int_equal(oak_http_route(router, "GET", "/", NULL, NULL), -EINVAL);
    assert_int_equal(oak_http_route(NULL, "GET", "/", hello, NULL), -EINVAL);
}

static void wrong_handles_are_refused(void **state)
{
    (void)state;
    char buf[8], *all;
    oak_listener *l;
    struct oak_http_stats st;
    assert_null(oak_http_server_new(NULL));
    assert_null(oak_http_server_new(&(struct oak_http_server_opts){0}));
    assert_null(oak_http_server_new(&(struct oak_http_server_opts){.handler = hello, .idle_limit = -1}));
    assert_null(oak_http_server_new(&(struct oak_http_server_opts){.handler = hello, .max_body = -1}));
    assert_int_equal(oak_http_server_free(NULL), 0);
    assert_int_equal(oak_http_server_free(srv.http), -EBUSY);
    assert_int_equal(oak_http_shutdown(NULL, 0), -EINVAL);
    assert_int_equal(oak_http_server_stats(NULL, &st), -EINVAL);
    assert_int_equal(oak_http_server_stats(srv.http, NULL), -EINVAL);
    assert_int_equal(oak_http_serve(srv.http, NULL), -EINVAL);
    /* A plain thread cannot be the owner of goroutines. */
    assert_int_equal(oak_listen("tcp", "127.0.0.1:0", &l), 0);
    assert_int_equal(oak_http_serve(srv.http, l), -EINVAL);
    assert_null(oak_http_method(NULL));
    assert_null(oak_http_path(NULL));
    assert_null(oak_http_query(NULL));
    assert_null(oak_http_header(NULL, "a"));
    assert_int_equal(oak_http_version(NULL), -EINVAL);
    assert_int_equal(oak_http_header_at(NULL, 0, NULL, NULL), -EINVAL);
    assert_int_equal(oak_http_content_length(NULL), -EINVAL);
    assert_int_equal(oak_http_remote_addr(NULL, buf, sizeof buf), -EINVAL);
    assert_int_equal(oak_http_read(NULL, buf, sizeof buf), -EINVAL);
    assert_int_equal(oak_http_read_all(NULL, &all), -EINVAL);
    assert_int_equal(oak_http_param(NULL, "a", buf, sizeof buf), -EINVAL);
    assert_int_equal(oak_http_query_param(NULL, "a", buf, sizeof buf), -EINVAL);
    assert_int_equal(oak_http_status(NULL, 200), -EINVAL);
    assert_int_equal(oak_http_set_header(NULL, "a", "b"), -EINVAL);
    assert_int_equal(oak_http_add_header(NULL, "a", "b"), -EINVAL);
    assert_int_equal(oak_http_write(NULL, "a", 1), -EINVAL);
    assert_int_equal(oak_http_printf(NULL, "a"), -EINVAL);
    assert_int_equal(oak_http_flush(NULL), -EINVAL);
    assert_int_equal(oak_http_reply(NULL, 200, NULL, NULL, 0), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_requests_on_one_connection),
        cmocka_unit_test(response_has_a_date),
        cmocka_unit_test(head_gets_the_head_alone),
        cmocka_unit_test(path_and_query_are_kept_as_sent),
        cmocka_unit_test(request_fields_can_be_read),
        cmocka_unit_test(response_fields_cannot_be_injected),
        cmocka_unit_test(long_bodies_are_chunked_and_short_ones_are_not),
        cmocka_unit_test(declared_length_is_kept_to),
        cmocka_unit_test(http_1_0_gets_no_chunks),
        cmocka_unit_test(flush_sends_what_there_is),
        cmocka_unit_test(bodiless_statuses_have_no_body),
        cmocka_unit_test(either_side_can_end_the_connection),
        cmocka_unit_test(failing_handler_gives_an_error_response),
        cmocka_unit_test(handler_that_fails_late_cuts_the_connection),
        cmocka_unit_test(routes_match_by_method_and_pattern),
        cmocka_unit_test(bad_patterns_are_refused),
        cmocka_unit_test(wrong_handles_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
