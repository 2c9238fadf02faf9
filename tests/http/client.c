/* The client: against our own server, and against a server of set phrases for what ours would never say. */
#include "harness.h"

#include <pthread.h>

static _Atomic int sleep_error;

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
    assert_int_equal(oak_http_do(client, &o, &k), -ETIMEDOUT);
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

/* ---- the server of set phrases: one per connection ---- */

static struct {
    int fd, port;
    const char *const *phrases; /* NULL at the end */
    bool close_between;
    _Atomic int connections;
} set;

/* Reads up to an empty line. */
static bool read_request(int fd)
{
    char last[4] = "";
    char byte;
    while (recv(fd, &byte, 1, 0) == 1) {
        memmove(last, last + 1, 3);
        last[3] = byte;
        if (memcmp(last, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static void *say_phrases(void *arg)
{
    (void)arg;
    for (const char *const *p = set.phrases; *p; p++) {
        int fd = accept(set.fd, NULL, NULL);
        atomic_fetch_add(&set.connections, 1);
        if (read_request(fd))
            (void)!send(fd, *p, strlen(*p), MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        while (recv(fd, &(char){0}, 1, 0) == 1)
            ;
        close(fd);
    }
    return NULL;
}

static pthread_t set_start(const char *const *phrases)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof a;
    pthread_t thread;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    set.fd = socket(AF_INET, SOCK_STREAM, 0);
    set.phrases = phrases;
    atomic_store(&set.connections, 0);
    assert_int_equal(bind(set.fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(set.fd, 8), 0);
    assert_int_equal(getsockname(set.fd, (struct sockaddr *)&a, &len), 0);
    set.port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&thread, NULL, say_phrases, NULL), 0);
    return thread;
}

static void set_stop(pthread_t thread)
{
    pthread_join(thread, NULL);
    close(set.fd);
}

static int get_phrase(char **body, ssize_t *n, oak_http_call **k)
{
    char text[64];
    snprintf(text, sizeof text, "http://127.0.0.1:%d/", set.port);
    int rc = oak_http_get(client, text, k);
    *n = rc ? rc : oak_http_call_read_all(*k, body);
    return rc;
}

static void odd_responses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc;
        ssize_t n;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\nup to the end", 0, 13},
        {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", 0, 3},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
         "OK\r\nContent-Length: 2\r\n\r\nab",
         0, 2},
        {"HTTP/1.1 204 No Content\r\n\r\n", 0, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", 0, -EBADMSG},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0, -EBADMSG},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0, -EBADMSG},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", -EBADMSG,
         -EBADMSG},
        {"HTTP/1.1 200 OK\r\nContent-Le", -EBADMSG, -EBADMSG},
        {"220 smtp.example.org ready\r\n", -EBADMSG, -EBADMSG},
    };
    const char *phrases[sizeof cases / sizeof cases[0] + 1] = {NULL};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        phrases[i] = cases[i].text;
    pthread_t thread = set_start(phrases);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        oak_http_call *k;
        char *body;
        ssize_t n;
        int rc = get_phrase(&body, &n, &k);
        if (rc != cases[i].rc || n != cases[i].n)
            fail_msg("%s: %d, %zd", cases[i].text, rc, n);
        if (rc == 0)
            oak_http_call_close(k);
    }
    set_stop(thread);
}

/* A server may close a kept connection at any time: a call that can be repeated does not fail for it. */
static void stale_connection_is_replaced(void **state)
{
    (void)state;
    static const char *const phrases[] = {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthree", NULL};
    pthread_t thread = set_start(phrases);
    for (int i = 0; i < 3; i++) {
        oak_http_call *k;
        char *body;
        ssize_t n;
        assert_int_equal(get_phrase(&body, &n, &k), 0);
        assert_true(n >= 3);
        oak_http_call_close(k);
    }
    /* The last connection is still kept, and the other side waits for its end. */
    oak_http_client_free(client);
    client = oak_http_client_new(NULL);
    set_stop(thread);
    assert_int_equal(atomic_load(&set.connections), 3);
}

static void limits_on_size_hold(void **state)
{
    (void)state;
    static char long_head[70000];
    static const char *phrases[] = {long_head, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
                                    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
                                    "HTTP/1.1 200 OK\r\n\r\nhello world", NULL};
    strcpy(long_head, "HTTP/1.1 200 OK\r\nA: ");
    memset(long_head + strlen(long_head), 'a', sizeof long_head - 100);
    pthread_t thread = set_start(phrases);
    oak_http_client *mine = client;
    client = oak_http_client_new(&(struct oak_http_client_opts){.max_body = 10});
    for (int i = 0; i < 4; i++) {
        oak_http_call *k;
        char *body;
        ssize_t n;
        int rc = get_phrase(&body, &n, &k);
        assert_int_equal(rc, i == 0 ? -EMSGSIZE : 0);
        assert_int_equal(n, -EMSGSIZE);
        if (rc == 0)
            oak_http_call_close(k);
    }
    set_stop(thread);
    assert_int_equal(oak_http_client_free(client), 0);
    client = mine;
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
        cmocka_unit_test(odd_responses),
        cmocka_unit_test(stale_connection_is_replaced),
        cmocka_unit_test(limits_on_size_hold),
        cmocka_unit_test(many_goroutines_share_a_client),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
