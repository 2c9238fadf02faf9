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

/* ?n=: so many bytes, one at a time. */
static int bytes(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    char n[16] = "0";
    int rc = 0;
    (void)!oak_http_query_param(q, "n", n, sizeof n);
    for (size_t left = strtoul(n, NULL, 10); left > 0 && rc == 0; left--)
        rc = oak_http_write(p, "x", 1);
    return rc;
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

static struct server srv;
static oak_http_router *router;

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
    ROUTE("GET", "/bytes", bytes, 0);
    ROUTE("GET", "/204", empty, 204);
    ROUTE("GET", "/304", empty, 304);
    ROUTE("GET", "/404", empty, 404);
    ROUTE("GET", "/close", closes, 0);
    ROUTE("GET", "/eio", fails, -EIO);
    ROUTE("GET", "/etimedout", fails, -ETIMEDOUT);
    ROUTE("GET", "/emsgsize", fails, -EMSGSIZE);
    ROUTE("GET", "/ebadmsg", fails, -EBADMSG);
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
    client_ask(&cl, "HEAD /bytes?n=100 HTTP/1.1\r\nHost: a\r\n\r\n", &an);
    assert_string_equal(answer_header(&an, "Content-Length"), "100");
    client_ask(&cl, "HEAD /bytes?n=100000 HTTP/1.1\r\nHost: a\r\n\r\n", &an);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_requests_on_one_connection),
        cmocka_unit_test(response_has_a_date),
        cmocka_unit_test(head_gets_the_head_alone),
        cmocka_unit_test(path_and_query_are_kept_as_sent),
        cmocka_unit_test(request_fields_can_be_read),
        cmocka_unit_test(response_fields_cannot_be_injected),
        cmocka_unit_test(bodiless_statuses_have_no_body),
        cmocka_unit_test(either_side_can_end_the_connection),
        cmocka_unit_test(failing_handler_gives_an_error_response),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
