/* include/oakum/http.h with bad input. */
#include "http/harness.h"

#include "base/common.h"
#include "support/expect.h"

/* A sanitizer says itself that heap memory is used after it was freed. */
#define SANITIZER_TELLS (OAK_ASAN || OAK_TSAN)

static int never_called(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)p, (void)arg;
    expect(!"called");
    return 0;
}

/* ---- each kind of handle, given where it is none ---- */

static void use_server(void *s)
{
    struct oak_http_stats st;
    oak_listener *l;
    expect(oak_http_server_free(s) == (s ? -EINVAL : 0) && oak_http_shutdown(s, 1) == -EINVAL);
    expect(oak_http_server_stats(s, &st) == -EINVAL);
    expect(oak_listen("tcp", "127.0.0.1:0", &l) == 0 && oak_http_serve(s, l) == -EINVAL);
    expect(oak_listener_close(l) == -EINVAL); /* serve has */
}

static void use_router(void *r)
{
    oak_http_router_free(r);
    expect(oak_http_route(r, "GET", "/", never_called, NULL) == -EINVAL);
}

static void use_request(void *q)
{
    char buf[8], *all = buf;
    const char *name = buf, *value = buf;
    expect(!oak_http_method(q) && !oak_http_path(q) && !oak_http_query(q) && !oak_http_header(q, "Host"));
    expect(oak_http_version(q) == -EINVAL && oak_http_content_length(q) == -EINVAL);
    expect(oak_http_param(q, "a", buf, sizeof buf) == -EINVAL);
    expect(oak_http_query_param(q, "a", buf, sizeof buf) == -EINVAL);
    expect(oak_http_header_at(q, 0, &name, &value) == -EINVAL && name == buf && value == buf);
    expect(oak_http_remote_addr(q, buf, sizeof buf) == -EINVAL);
    expect(oak_http_read(q, buf, 1) == -EINVAL && oak_http_read(q, NULL, 0) == -EINVAL);
    expect(oak_http_read_all(q, &all) == -EINVAL && all == buf);
}

static void use_response(void *p)
{
    expect(oak_http_status(p, 200) == -EINVAL && oak_http_flush(p) == -EINVAL);
    expect(oak_http_set_header(p, "A", "b") == -EINVAL && oak_http_add_header(p, "A", "b") == -EINVAL);
    expect(oak_http_write(p, "x", 1) == -EINVAL && oak_http_printf(p, "x") == -EINVAL);
    expect(oak_http_reply(p, 200, "text/plain", "x", 1) == -EINVAL);
}

static void use_client(void *c)
{
    oak_http_call *k = NULL;
    struct oak_http_call_opts o = {.url = "http://127.0.0.1:1/"};
    expect(oak_http_do(c, &o, &k) == -EINVAL && oak_http_get(c, o.url, &k) == -EINVAL);
    expect(oak_http_post(c, o.url, "text/plain", "x", 1, &k) == -EINVAL && k == NULL);
    expect(oak_http_client_free(c) == (c ? -EINVAL : 0));
}

static void use_call(void *k)
{
    char buf[8], *all = buf;
    const char *name = buf, *value = buf;
    expect(oak_http_call_status(k) == -EINVAL && !oak_http_call_header(k, "Date"));
    expect(oak_http_call_header_at(k, 0, &name, &value) == -EINVAL && name == buf && value == buf);
    expect(oak_http_call_read(k, buf, 1) == -EINVAL && oak_http_call_read(k, NULL, 0) == -EINVAL);
    expect(oak_http_call_read_all(k, &all) == -EINVAL && all == buf);
    oak_http_call_close(k);
}

enum kind { SERVER, ROUTER, REQUEST, RESPONSE, CLIENT, CALL, KINDS };
static void (*const use[KINDS])(void *) = {use_server,   use_router, use_request,
                                           use_response, use_client, use_call};
static void *handle[KINDS + 2];

/* As every kind but its own. */
static void confuse(void)
{
    static char zeros[1024] __attribute__((aligned(64))), ones[1024] __attribute__((aligned(64)));
    memset(ones, 0xff, sizeof ones);
    handle[KINDS] = zeros;
    handle[KINDS + 1] = ones;
    for (int kind = 0; kind < KINDS; kind++) {
        use[kind](NULL);
        for (int other = 0; other < KINDS + 2; other++)
            if (other != kind && handle[other])
                use[kind](handle[other]);
    }
}

/* ---- in a handler ---- */

static void bad_questions(oak_http_request *q)
{
    char buf[8] = "x", *all;
    expect(!oak_http_header(q, NULL) && !oak_http_header(q, "") && !oak_http_header(q, "No-Such"));
    expect(oak_http_header_at(q, SIZE_MAX, NULL, NULL) == -ENOENT &&
           oak_http_header_at(q, 0, NULL, NULL) == 0);
    expect(oak_http_param(q, NULL, buf, 1) == -EINVAL && oak_http_param(q, "id", NULL, 1) == -EINVAL);
    expect(oak_http_param(q, "", buf, 1) == -ENOENT && oak_http_param(q, "id", NULL, 0) == 4);
    expect(oak_http_query_param(q, NULL, buf, 1) == -EINVAL &&
           oak_http_query_param(q, "a", NULL, 1) == -EINVAL);
    expect(oak_http_query_param(q, "", buf, 1) == -ENOENT && oak_http_query_param(q, "a", NULL, 0) == 1);
    expect(oak_http_remote_addr(q, NULL, 1) == -EINVAL && oak_http_remote_addr(q, NULL, 0) > 0);
    expect(oak_http_read(q, NULL, 1) == -EINVAL && oak_http_read_all(q, NULL) == -EINVAL);
    expect(oak_http_read_all(q, &all) == 0 && oak_http_read_all(q, &all) == -EALREADY);
    expect(strcmp(oak_http_method(q), "GET") == 0 && oak_http_version(q) == 11);
}

static void bad_answers(oak_http_response *p)
{
    static const int statuses[] = {0, -1, 99, 100, 199, 600, INT32_MAX, INT32_MIN};
    static const char *const names[] = {NULL, "", "a b", "a:", "a\r\n", "\x80"}, *const values[] = {
                                                                                     NULL, "a\r\nb: c", "\n",
                                                                                     "\x7f"};
    char long_name[5000];
    for (size_t i = 0; i < countof(statuses); i++)
        expect(oak_http_status(p, statuses[i]) == -EINVAL &&
               oak_http_reply(p, statuses[i], NULL, NULL, 0) == -EINVAL);
    for (size_t i = 0; i < countof(names); i++)
        expect(oak_http_set_header(p, names[i], "v") == -EINVAL &&
               oak_http_add_header(p, names[i], "v") == -EINVAL);
    for (size_t i = 0; i < countof(values); i++)
        expect(oak_http_set_header(p, "N", values[i]) == -EINVAL &&
               oak_http_add_header(p, "N", values[i]) == -EINVAL);
    static const char *const lengths[] = {"", "-1", "1x", "9999999999999999999", " 1"};
    for (size_t i = 0; i < countof(lengths); i++)
        expect(oak_http_set_header(p, "Content-Length", lengths[i]) == -EINVAL);
    expect(oak_http_set_header(p, "Transfer-Encoding", "chunked") == -EINVAL);
    /* A name much longer than all fields that there are: none of them is read beyond its end. */
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    expect(oak_http_add_header(p, "Short", "1") == 0 && oak_http_set_header(p, long_name, "2") == 0);
    expect(oak_http_set_header(p, long_name, "") == 0);
    expect(oak_http_write(p, NULL, 1) == -EINVAL && oak_http_write(p, NULL, 0) == 0);
    static const char *volatile no_format;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
    expect(oak_http_printf(p, no_format) == -EINVAL);
#pragma GCC diagnostic pop
    expect(oak_http_reply(p, 200, NULL, NULL, 1) == -EINVAL &&
           oak_http_reply(p, 200, "a\nb", "x", 1) == -EINVAL);
}

static int abuse(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    handle[REQUEST] = q;
    handle[RESPONSE] = p;
    confuse();
    bad_questions(q);
    bad_answers(p);
    expect(oak_http_router_handle(NULL, p, handle[ROUTER]) == -EINVAL);
    expect(oak_http_router_handle(q, NULL, handle[ROUTER]) == -EINVAL);
    expect(oak_http_router_handle(q, p, NULL) == -EINVAL &&
           oak_http_router_handle(q, p, handle[SERVER]) == -EINVAL);
    expect(oak_http_reply(p, 200, "text/plain", "fine", 4) == 0);
    expect(oak_http_status(p, 404) == -EALREADY && oak_http_set_header(p, "A", "b") == -EALREADY);
    /* Not flushed: the client is to have its answer when both are no handles any more. */
    expect(oak_http_write(p, "more", 4) == -EMSGSIZE);
    return 0;
}

static struct server srv;

static void bad_calls(oak_http_client *c, const char *url)
{
    static const char *const urls[] = {NULL,          "",
                                       "http://",     "https://a/",
                                       "ftp://a",     "//a",
                                       "http://a:0/", "http://a:99999/",
                                       "http://a b/", "http://u@a/",
                                       "http://[::1/"};
    const struct oak_http_field no_name = {NULL, "v"}, no_value = {"N", NULL},
                                length = {"Content-Length", "1"};
    oak_http_call *k = NULL;
    for (size_t i = 0; i < countof(urls); i++)
        expect(oak_http_get(c, urls[i], &k) == -EINVAL &&
               oak_http_post(c, urls[i], NULL, NULL, 0, &k) == -EINVAL);
    expect(oak_http_do(c, NULL, &k) == -EINVAL && oak_http_get(c, url, NULL) == -EINVAL);
    struct oak_http_call_opts bad[] = {
        {.url = url, .method = ""},
        {.url = url, .method = "A B"},
        {.url = url, .method = "CONNECT"},
        {.url = url, .limit = -1},
        {.url = url, .limit = INT64_MIN},
        {.url = url, .size = 1},
        {.url = url, .nfields = 1},
        {.url = url, .nfields = 1, .fields = &no_name},
        {.url = url, .nfields = 1, .fields = &no_value},
        {.url = url, .nfields = 1, .fields = &length},
        {.url = url, .size = SIZE_MAX, .body = "x"},
    };
    for (size_t i = 0; i < countof(bad); i++)
        expect(oak_http_do(c, &bad[i], &k) == -EINVAL && k == NULL);
    expect(oak_http_post(c, url, "a\nb", "x", 1, &k) == -EINVAL &&
           oak_http_post(c, url, NULL, NULL, 1, &k) == -EINVAL);
}

static int client_main(int argc, char **argv)
{
    char url[100], buf[16], *all;
    oak_http_call *k;
    (void)argc, (void)argv;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/id/1234?a=1", srv.port);
    oak_http_client *c = handle[CLIENT] = oak_http_client_new(NULL);
    expect(c);
    bad_calls(c, url);
    expect(oak_http_get(c, url, &k) == 0);
    handle[CALL] = k;
    expect(oak_http_client_free(c) == -EBUSY);
    expect(oak_http_call_status(k) == 200 && !oak_http_call_header(k, NULL) && !oak_http_call_header(k, ""));
    expect(oak_http_call_header_at(k, SIZE_MAX, NULL, NULL) == -ENOENT);
    expect(oak_http_call_read(k, NULL, 1) == -EINVAL && oak_http_call_read_all(k, NULL) == -EINVAL);
    /* Both of the handler that has returned are no handles any more. */
    use_request(handle[REQUEST]);
    use_response(handle[RESPONSE]);
    confuse();
    expect(oak_http_call_read_all(k, &all) == 4 && memcmp(all, "fine", 4) == 0);
    expect(oak_http_call_read(k, buf, sizeof buf) == 0 && oak_http_call_read_all(k, &all) == -EALREADY);
    oak_http_call_close(k);
    if (!SANITIZER_TELLS)
        use_call(k);
    handle[CALL] = NULL;
    expect(oak_http_client_free(c) == 0);
    if (!SANITIZER_TELLS)
        use_client(c);
    handle[CLIENT] = NULL;
    return 0;
}

static void nobody_crashes(void **state)
{
    (void)state;
    oak_http_router *r = handle[ROUTER] = oak_http_router_new();
    assert_non_null(r);
    static const char *const methods[] = {"", "G T", "GET ", "\r\n"};
    for (size_t i = 0; i < countof(methods); i++)
        assert_int_equal(oak_http_route(r, methods[i], "/", never_called, NULL), -EINVAL);
    assert_int_equal(oak_http_route(r, "GET", NULL, never_called, NULL), -EINVAL);
    assert_int_equal(oak_http_route(r, "GET", "", never_called, NULL), -EINVAL);
    assert_int_equal(oak_http_route(r, "GET", "/", NULL, NULL), -EINVAL);
    assert_int_equal(oak_http_route(r, "GET", "/id/{id}", abuse, NULL), 0);
    server_start(&srv, &(struct oak_http_server_opts){.handler = oak_http_router_handle, .arg = r});
    handle[SERVER] = srv.http;
    assert_int_equal(oak_run(client_main, 0, NULL), 0);
    assert_int_equal(oak_http_server_free(srv.http), -EBUSY);
    oak_http_server *gone = srv.http;
    server_stop(&srv);
    oak_http_router_free(r);
    if (!SANITIZER_TELLS) {
        use_server(gone);
        use_router(r);
    }
}

static void servers_and_clients_that_cannot_be(void **state)
{
    (void)state;
    static const int64_t negative[] = {-1, INT64_MIN};
    assert_null(oak_http_server_new(NULL));
    assert_null(oak_http_server_new(&(struct oak_http_server_opts){0}));
    for (size_t i = 0; i < countof(negative); i++) {
        const int64_t n = negative[i];
        struct oak_http_server_opts bad[] = {{.read_header_limit = n}, {.read_limit = n},
                                             {.write_limit = n},       {.idle_limit = n},
                                             {.handler_limit = n},     {.max_body = n}};
        struct oak_http_client_opts worse[] = {{.limit = n}, {.max_body = n}, {.idle_limit = n}};
        for (size_t k = 0; k < countof(bad); k++) {
            bad[k].handler = never_called;
            assert_null(oak_http_server_new(&bad[k]));
        }
        for (size_t k = 0; k < countof(worse); k++)
            assert_null(oak_http_client_new(&worse[k]));
    }
    oak_http_server *s = oak_http_server_new(
        &(struct oak_http_server_opts){never_called, NULL, OAK_FOREVER, OAK_FOREVER, OAK_FOREVER, OAK_FOREVER,
                                       OAK_FOREVER, SIZE_MAX, SIZE_MAX, OAK_FOREVER, UINT32_MAX, NULL, NULL});
    assert_non_null(s);
    struct oak_http_stats st;
    assert_int_equal(oak_http_server_stats(s, NULL), -EINVAL);
    assert_int_equal(oak_http_server_stats(s, &st), 0);
    assert_int_equal(oak_http_shutdown(s, INT64_MIN), 0);
    assert_int_equal(oak_http_server_free(s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_crashes),
        cmocka_unit_test(servers_and_clients_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
