/* The client, against our own server. */
#include "harness.h"

static _Atomic int sleeping, sleep_error;

static int handler(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    const char *path = oak_http_path(q);
    char *body;
    if (strcmp(path, "/echo") == 0) {
        ssize_t n = oak_http_read_all(q, &body);
        if (n < 0)
            return (int)n;
        const char *type = oak_http_header(q, "Content-Type");
        int rc = oak_http_set_header(p, "X-Method", oak_http_method(q));
        rc = rc ? rc : oak_http_set_header(p, "X-Host", oak_http_header(q, "Host"));
        return rc ? rc : oak_http_reply(p, 200, type, body, (size_t)n);
    }
    if (strcmp(path, "/long") == 0) {
        for (int i = 0; i < 1000; i++) {
            int rc = oak_http_printf(p, "line %d of a long answer\n", i);
            if (rc)
                return rc;
        }
        return 0;
    }
    if (strcmp(path, "/sleep") == 0) {
        atomic_fetch_add(&sleeping, 1);
        int rc = oak_sleep(OAK_HOUR);
        atomic_store(&sleep_error, rc);
        return rc;
    }
    if (strcmp(path, "/close") == 0) {
        int rc = oak_http_set_header(p, "Connection", "close");
        return rc ? rc : oak_http_reply(p, 200, NULL, "bye", 3);
    }
    return oak_http_reply(p, 404, NULL, NULL, 0);
}

static struct server srv;
static oak_http_client *client;

static int set_up(void **state)
{
    (void)state;
    server_start(&srv, &(struct oak_http_server_opts){.handler = handler});
    client = oak_http_client_new(NULL);
    assert_non_null(client);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(oak_http_client_free(client), 0);
    server_stop(&srv);
    return 0;
}

static const char *url(const char *path)
{
    static char text[256];
    snprintf(text, sizeof text, "http://127.0.0.1:%d%s", srv.port, path);
    return text;
}

static void calls_share_one_connection(void **state)
{
    (void)state;
    uint64_t before = server_stats(&srv).accepted;
    for (int i = 0; i < 20; i++) {
        oak_http_call *k;
        char *body;
        assert_int_equal(oak_http_post(client, url("/echo?x"), "text/x", "hello", 5, &k), 0);
        assert_int_equal(oak_http_call_status(k), 200);
        assert_string_equal(oak_http_call_header(k, "content-type"), "text/x");
        assert_string_equal(oak_http_call_header(k, "X-Method"), "POST");
        assert_int_equal(oak_http_call_read_all(k, &body), 5);
        assert_string_equal(body, "hello");
        oak_http_call_close(k);
        assert_int_equal(oak_http_get(client, url("/nowhere"), &k), 0);
        assert_int_equal(oak_http_call_status(k), 404);
        oak_http_call_close(k);
    }
    assert_int_equal(server_stats(&srv).accepted - before, 1);
}

static void long_answers_are_read_in_pieces(void **state)
{
    (void)state;
    oak_http_call *k;
    char buf[777], *body;
    size_t total = 0;
    ssize_t n;
    assert_int_equal(oak_http_get(client, url("/long"), &k), 0);
    assert_string_equal(oak_http_call_header(k, "Transfer-Encoding"), "chunked");
    while ((n = oak_http_call_read(k, buf, sizeof buf)) > 0)
        total += (size_t)n;
    assert_int_equal(n, 0);
    oak_http_call_close(k);
    assert_int_equal(oak_http_get(client, url("/long"), &k), 0);
    assert_int_equal(oak_http_call_read_all(k, &body), total);
    assert_memory_equal(body, "line 0 of", 9);
    assert_int_equal(oak_http_call_read_all(k, &body), -EALREADY);
    oak_http_call_close(k);
    /* Not read to its end: the connection is of no more use. */
    uint64_t before = server_stats(&srv).accepted;
    assert_int_equal(oak_http_get(client, url("/long"), &k), 0);
    oak_http_call_close(k);
    assert_int_equal(oak_http_get(client, url("/long"), &k), 0);
    oak_http_call_close(k);
    assert_int_equal(server_stats(&srv).accepted - before, 1);
}

static void head_and_other_methods(void **state)
{
    (void)state;
    oak_http_call *k;
    char *body;
    const struct oak_http_field fields[] = {{"X-One", "1"}, {"Host", "elsewhere"}};
    struct oak_http_call_opts o = {.method = "HEAD", .url = url("/echo"), .fields = fields, .nfields = 2};
    assert_int_equal(oak_http_do(client, &o, &k), 0);
    assert_string_equal(oak_http_call_header(k, "X-Host"), "elsewhere");
    assert_int_equal(oak_http_call_read_all(k, &body), 0);
    oak_http_call_close(k);
    o.method = "DELETE";
    assert_int_equal(oak_http_do(client, &o, &k), 0);
    assert_string_equal(oak_http_call_header(k, "X-Method"), "DELETE");
    oak_http_call_close(k);
}

static void bad_calls_are_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {NULL,
                                       "",
                                       "ftp://a/",
                                       "https://a/",
                                       "http://",
                                       "http:///path",
                                       "http://a b/",
                                       "http://a/x y",
                                       "http://a/\r\nX: y",
                                       "http://user:secret@a/",
                                       "http://a:0/",
                                       "http://a:65536/",
                                       "http://a:8a/",
                                       "http://a:/",
                                       "http://[::1/",
                                       "http://[::1]x/",
                                       "http://a/\xc3\xa9"};
    static const struct oak_http_field bad[] = {
        {"X", "a\r\nY: b"}, {"X Y", "a"}, {"Content-Length", "3"}, {"Transfer-Encoding", "chunked"},
        {NULL, "a"},        {"X", NULL}};
    oak_http_call *k;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        assert_int_equal(oak_http_get(client, urls[i], &k), -EINVAL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(
            oak_http_do(client,
                        &(struct oak_http_call_opts){.url = url("/"), .fields = &bad[i], .nfields = 1}, &k),
            -EINVAL);
    assert_int_equal(oak_http_do(client, &(struct oak_http_call_opts){.url = url("/"), .method = "A B"}, &k),
                     -EINVAL);
    assert_int_equal(
        oak_http_do(client, &(struct oak_http_call_opts){.url = url("/"), .method = "CONNECT"}, &k), -EINVAL);
    assert_int_equal(oak_http_do(client, &(struct oak_http_call_opts){.url = url("/"), .size = 3}, &k),
                     -EINVAL);
    assert_int_equal(oak_http_get(NULL, url("/"), &k), -EINVAL);
    assert_int_equal(oak_http_get(client, url("/"), NULL), -EINVAL);
    assert_int_equal(oak_http_do(client, NULL, &k), -EINVAL);
    assert_int_equal(oak_http_call_status(NULL), -EINVAL);
    assert_null(oak_http_call_header(NULL, "a"));
    assert_int_equal(oak_http_call_header_at(NULL, 0, NULL, NULL), -EINVAL);
    assert_int_equal(oak_http_call_read(NULL, &k, 1), -EINVAL);
    assert_int_equal(oak_http_call_read_all(NULL, NULL), -EINVAL);
    oak_http_call_close(NULL);
    assert_int_equal(oak_http_client_free(NULL), 0);
    assert_null(oak_http_client_new(&(struct oak_http_client_opts){.limit = -1}));
}

static void call_ends_at_its_limit(void **state)
{
    (void)state;
    oak_http_call *k;
    struct oak_http_call_opts o = {.url = url("/sleep"), .limit = 50 * OAK_MILLISECOND};
    do {
        assert_int_equal(oak_http_do(client, &o, &k), -ETIMEDOUT);
        o.limit *= 2;
    } while (atomic_load(&sleeping) == 0); /* on a busy machine the limit may come before the handler does */
    /* And hanging up ended the handler. */
    wait_until(atomic_load(&sleep_error) == -ECANCELED);
}

static void refused_connection_is_reported(void **state)
{
    (void)state;
    oak_listener *l;
    oak_http_call *k;
    char address[64], text[100];
    assert_int_equal(oak_listen("tcp", "127.0.0.1:0", &l), 0);
    assert_true(oak_listener_addr(l, address, sizeof address) > 0);
    oak_listener_close(l);
    snprintf(text, sizeof text, "http://%s/", address);
    assert_int_equal(oak_http_get(client, text, &k), -ECONNREFUSED);
}

static void client_with_open_calls_is_not_freed(void **state)
{
    (void)state;
    oak_http_call *k;
    assert_int_equal(oak_http_get(client, url("/echo"), &k), 0);
    assert_int_equal(oak_http_client_free(client), -EBUSY);
    oak_http_call_close(k);
}

static _Atomic int good;

static void call_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 50; i++) {
        oak_http_call *k;
        char *body, text[64];
        snprintf(text, sizeof text, "http://127.0.0.1:%d/echo", srv.port);
        if (oak_http_post(client, text, NULL, "abc", 3, &k))
            continue;
        if (oak_http_call_read_all(k, &body) == 3 && memcmp(body, "abc", 3) == 0)
            atomic_fetch_add(&good, 1);
        oak_http_call_close(k);
    }
    atomic_fetch_add(&good, 1000);
}

static void many_goroutines_share_a_client(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(oak_spawn_with(&(struct oak_spawn_opts){0}, call_often, NULL), 0);
    wait_until(atomic_load(&good) >= 20 * 1000);
    assert_int_equal(atomic_load(&good), 20 * 1000 + 20 * 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_share_one_connection),
        cmocka_unit_test(long_answers_are_read_in_pieces),
        cmocka_unit_test(head_and_other_methods),
        cmocka_unit_test(bad_calls_are_refused),
        cmocka_unit_test(call_ends_at_its_limit),
        cmocka_unit_test(refused_connection_is_reported),
        cmocka_unit_test(client_with_open_calls_is_not_freed),
        cmocka_unit_test(many_goroutines_share_a_client),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
