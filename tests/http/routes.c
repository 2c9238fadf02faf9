/* The router, and wrong handles. */
#include "harness.h"

static int hello(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    return oak_http_reply(p, 200, "text/plain", "hello\n", 6);
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

static int set_up(void **state)
{
    (void)state;
    router = oak_http_router_new();
    assert_non_null(router);
#define ROUTE(m, pattern, fn, arg)                                                                           \
    assert_int_equal(oak_http_route(router, m, pattern, fn, (void *)(intptr_t)(arg)), 0)
    ROUTE("GET", "/", hello, 0);
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
        cmocka_unit_test(routes_match_by_method_and_pattern),
        cmocka_unit_test(bad_patterns_are_refused),
        cmocka_unit_test(wrong_handles_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
