/* Request bodies: framings, 100-continue, limits, and what becomes of a body that its handler does not read.
 */
#include "harness.h"

static _Atomic int runs, last_error;

/* Sends back length and a checksum, reading ?by= bytes at a time. */
static int sum(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    char by[16] = "1000";
    (void)!oak_http_query_param(q, "by", by, sizeof by);
    size_t step = strtoul(by, NULL, 10), got = 0;
    unsigned check = 0;
    int64_t length = oak_http_content_length(q);
    atomic_fetch_add(&runs, 1);
    char *own = malloc(step);
    ssize_t n = -ENOMEM;
    while (own && (n = oak_http_read(q, own, step)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            check = check * 31 + (unsigned char)own[i];
        got += (size_t)n;
    }
    if (n == 0 && oak_http_read(q, own, step) != 0)
        n = -EIO;
    if (n < 0 && oak_http_read(q, own, step) != n)
        n = -EIO;
    free(own);
    atomic_store(&last_error, (int)n);
    return n < 0 ? (int)n : oak_http_printf(p, "%zu %08x %lld", got, check, (long long)length);
}

static int all(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    char *body;
    ssize_t n = oak_http_read_all(q, &body);
    if (n < 0)
        return (int)n;
    if (body[n] != 0 || oak_http_read_all(q, &body) != -EALREADY)
        return -EIO;
    return oak_http_write(p, body, (size_t)n);
}

static int ignore(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    atomic_fetch_add(&runs, 1);
    return oak_http_reply(p, 200, NULL, "ignored", 7);
}

static int route(oak_http_request *q, oak_http_response *p, void *arg)
{
    const char *path = oak_http_path(q);
    return strcmp(path, "/all") == 0      ? all(q, p, arg)
           : strcmp(path, "/ignore") == 0 ? ignore(q, p, arg)
                                          : sum(q, p, arg);
}

static struct server srv;
#define MAX_BODY 400000

static int set_up(void **state)
{
    (void)state;
    server_start(&srv, &(struct oak_http_server_opts){.handler = route, .max_body = MAX_BODY});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

static char big[MAX_BODY + 1];

static void fill_big(void)
{
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 + i / 251);
}

static const char *expected(size_t n, long long length)
{
    static char text[64];
    unsigned check = 0;
    for (size_t i = 0; i < n; i++)
        check = check * 31 + (unsigned char)big[i];
    snprintf(text, sizeof text, "%zu %08x %lld", n, check, length);
    return text;
}

static void post(size_t n, size_t by)
{
    char head[200];
    snprintf(head, sizeof head, "POST /sum?by=%zu HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", by, n);
    client_send(&cl, head);
    client_send_bytes(&cl, big, n);
    client_read(&cl, &an, "POST");
    assert_string_equal(an.body, expected(n, (long long)n));
}

static void bodies_of_every_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 4000, 4096, 5000, 60000, MAX_BODY};
    static const size_t steps[] = {1, 100, 1000, 4096, 16384, 100000};
    client_open(&cl, &srv);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t j = sizes[i] > 5000 ? 2 : 0; j < sizeof steps / sizeof steps[0]; j++)
            post(sizes[i], steps[j]);
    client_close(&cl);
}

/* chunk sizes 1, 2, 3 ... and then the rest */
static void post_chunked(size_t n, size_t first, size_t by)
{
    char line[200];
    snprintf(line, sizeof line, "POST /sum?by=%zu HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
             by);
    client_send(&cl, line);
    for (size_t at = 0, size = first; at < n; at += size, size++) {
        if (size > n - at)
            size = n - at;
        snprintf(line, sizeof line, "%zx\r\n", size);
        client_send(&cl, line);
        client_send_bytes(&cl, big + at, size);
        client_send(&cl, "\r\n");
    }
    client_send(&cl, "0\r\nX-Trailer: 1\r\nHost: other\r\n\r\n");
    client_read(&cl, &an, "POST");
    assert_string_equal(an.body, expected(n, -1));
}

static void chunked_bodies_with_trailers(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    post_chunked(0, 1, 100);
    post_chunked(10, 1, 1);
    post_chunked(5000, 1, 1000);
    post_chunked(MAX_BODY, 5000, 16384);
    post_chunked(MAX_BODY, MAX_BODY, 100000);
    post(10, 10);
    client_close(&cl);
}

static void whole_body_at_once(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_ask(&cl, "POST /all HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world", &an);
    assert_string_equal(an.body, "hello world");
    client_ask(&cl,
               "POST /all HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
               &an);
    assert_string_equal(an.body, "hello");
    client_ask(&cl, "GET /all HTTP/1.1\r\nHost: a\r\n\r\n", &an);
    assert_string_equal(an.body, "");
    char head[100];
    snprintf(head, sizeof head, "POST /all HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", MAX_BODY);
    client_send(&cl, head);
    client_send_bytes(&cl, big, MAX_BODY);
    client_read(&cl, &an, "POST");
    assert_int_equal(an.length, MAX_BODY);
    assert_memory_equal(an.body, big, MAX_BODY);
    client_close(&cl);
}

static void expect_continue_is_answered_when_the_body_is_read(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    for (int i = 0; i < 3; i++) {
        client_send(&cl,
                    "POST /all HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n");
        client_read(&cl, &an, "POST");
        assert_int_equal(an.status, 100);
        client_send(&cl, "hello");
        client_read(&cl, &an, "POST");
        assert_int_equal(an.status, 200);
        assert_string_equal(an.body, "hello");
    }
    /* Not asked for by a client that sends the body at once. */
    client_ask(&cl, "POST /all HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
               &an);
    if (an.status == 100)
        client_read(&cl, &an, "POST");
    assert_string_equal(an.body, "hello");
    client_close(&cl);
}

static void unwanted_body_is_not_asked_for(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_ask(&cl, "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
               &an);
    assert_int_equal(an.status, 200);
    assert_true(an.close);
    client_eof(&cl);
    client_close(&cl);
}

static void unread_body_is_skipped(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_send(&cl, "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    client_send_bytes(&cl, big, 100000);
    client_read(&cl, &an, "POST");
    assert_string_equal(an.body, "ignored");
    client_ask(
        &cl, "POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        &an);
    assert_string_equal(an.body, "ignored");
    post(10, 10);
    client_close(&cl);
}

/* Nobody reads megabytes over just to keep a connection; yet the client gets to see the answer. */
static void long_unread_body_ends_the_connection(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    char head[100];
    snprintf(head, sizeof head, "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", MAX_BODY);
    client_send(&cl, head);
    client_send_bytes(&cl, big, MAX_BODY);
    client_read(&cl, &an, "POST");
    assert_string_equal(an.body, "ignored");
    client_eof(&cl);
    client_close(&cl);
}

static void too_long_body_is_refused_unseen(void **state)
{
    (void)state;
    int before = atomic_load(&runs);
    char head[200];
    snprintf(head, sizeof head,
             "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
             MAX_BODY + 1);
    client_open(&cl, &srv);
    client_ask(&cl, head, &an);
    assert_int_equal(an.status, 413);
    assert_true(an.close);
    client_eof(&cl);
    client_close(&cl);
    assert_int_equal(atomic_load(&runs), before);
}

static void too_long_chunked_body_is_refused(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_send(&cl, "POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    char line[32];
    snprintf(line, sizeof line, "%x\r\n", MAX_BODY + 1);
    client_send(&cl, line);
    client_send_bytes(&cl, big, MAX_BODY + 1);
    client_send(&cl, "\r\n0\r\n\r\n");
    client_read(&cl, &an, "POST");
    assert_int_equal(an.status, 413);
    assert_true(an.close);
    client_eof(&cl);
    client_close(&cl);
    assert_int_equal(atomic_load(&last_error), -EMSGSIZE);
}

static void malformed_chunk_is_refused(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_ask(
        &cl, "POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n", &an);
    assert_int_equal(an.status, 400);
    assert_true(an.close);
    client_eof(&cl);
    client_close(&cl);
    assert_int_equal(atomic_load(&last_error), -EBADMSG);
}

/* A client that ends its side early: what it sent is short, and that must not pass for a whole body. */
static void cut_body_is_an_error(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello",
        "POST /sum?by=9000 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello",
        "POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    };
    for (size_t i = 0; i < 3; i++) {
        atomic_store(&last_error, 0);
        client_open(&cl, &srv);
        client_send(&cl, requests[i]);
        shutdown(cl.fd, SHUT_WR);
        /* Whether there is an answer depends on what was noticed first: the short body, or that nobody sends
         * any more. */
        while (client_more(&cl))
            ;
        if (cl.len)
            assert_memory_equal(cl.data, "HTTP/1.1 400 ", 13);
        client_close(&cl);
        assert_true(atomic_load(&last_error) == -EBADMSG || atomic_load(&last_error) == -ECANCELED);
    }
}

/* The whole request is there, and the client listens: it gets its answer although it will not speak again. */
static void half_closed_client_gets_its_answer(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_send(&cl, "GET /sum HTTP/1.1\r\nHost: a\r\n\r\n");
    shutdown(cl.fd, SHUT_WR);
    client_read(&cl, &an, "GET");
    assert_int_equal(an.status, 200);
    client_eof(&cl);
    client_close(&cl);
}

int main(void)
{
    fill_big();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_every_size),
        cmocka_unit_test(chunked_bodies_with_trailers),
        cmocka_unit_test(whole_body_at_once),
        cmocka_unit_test(expect_continue_is_answered_when_the_body_is_read),
        cmocka_unit_test(unwanted_body_is_not_asked_for),
        cmocka_unit_test(unread_body_is_skipped),
        cmocka_unit_test(long_unread_body_ends_the_connection),
        cmocka_unit_test(too_long_body_is_refused_unseen),
        cmocka_unit_test(too_long_chunked_body_is_refused),
        cmocka_unit_test(malformed_chunk_is_refused),
        cmocka_unit_test(cut_body_is_an_error),
        cmocka_unit_test(half_closed_client_gets_its_answer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
