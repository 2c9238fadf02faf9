/* Pipelining: requests that come together, answers that leave together, and in order. */
#include "harness.h"

static _Atomic int go_on;

static int answer(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    const char *path = oak_http_path(q);
    if (strcmp(path, "/wait") == 0) {
        while (!atomic_load(&go_on)) {
            int rc = oak_sleep(OAK_MILLISECOND);
            if (rc)
                return rc;
        }
    }
    if (strcmp(path, "/panic") == 0)
        oak_panic("as asked");
    if (strcmp(path, "/stream") == 0) {
        char piece[3000];
        memset(piece, 's', sizeof piece);
        for (int i = 0; i < 5; i++) {
            int rc = oak_http_write(p, piece, sizeof piece);
            if (rc)
                return rc;
        }
        return 0;
    }
    char *body;
    ssize_t n = oak_http_read_all(q, &body);
    if (n < 0)
        return (int)n;
    return oak_http_printf(p, "%s %s", path, body);
}

static void no_log(void *arg, const char *line)
{
    (void)arg, (void)line;
}

static struct server srv;

static int set_up(void **state)
{
    (void)state;
    server_start(&srv, &(struct oak_http_server_opts){.handler = answer, .log = no_log});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

static char batch[1 << 20];

static void hundred_requests_at_once(void **state)
{
    (void)state;
    size_t len = 0;
    char expected[64];
    for (int i = 0; i < 100; i++) {
        if (i % 3 == 0)
            len += (size_t)sprintf(batch + len, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
        else if (i % 3 == 1)
            len += (size_t)sprintf(batch + len,
                                   "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", i);
        else
            len += (size_t)sprintf(batch + len,
                                   "POST /%d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
                                   i);
    }
    client_open(&cl, &srv);
    client_send_bytes(&cl, batch, len);
    for (int i = 0; i < 100; i++) {
        client_read(&cl, &an, "GET");
        snprintf(expected, sizeof expected, "/%d %s", i, i % 3 ? "hello" : "");
        assert_string_equal(an.body, expected);
    }
    client_close(&cl);
}

/* Cut anywhere, also in the middle of a line: the requests stay what they are. */
static void batches_cut_at_odd_places(void **state)
{
    (void)state;
    size_t len = 0;
    for (int i = 0; i < 300; i++)
        len += (size_t)sprintf(batch + len, "GET /%0*d HTTP/1.1\r\nHost: a\r\n\r\n", i % 50, i);
    client_open(&cl, &srv);
    int read = 0;
    for (size_t at = 0, size = 1; at < len; at += size, size = size * 3 % 1009 + 1) {
        if (size > len - at)
            size = len - at;
        client_send_bytes(&cl, batch + at, size);
    }
    for (; read < 300; read++) {
        char expected[64];
        client_read(&cl, &an, "GET");
        snprintf(expected, sizeof expected, "/%0*d ", read % 50, read);
        assert_string_equal(an.body, expected);
    }
    client_close(&cl);
}

/* A finished response is not held back by a later handler that takes its time. */
static void slow_request_does_not_hold_back_earlier_answers(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    for (int i = 0; i < 5; i++) {
        atomic_store(&go_on, 0);
        client_send(&cl, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                         "GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
        client_read(&cl, &an, "GET");
        assert_string_equal(an.body, "/1 ");
        client_read(&cl, &an, "GET");
        assert_string_equal(an.body, "/2 ");
        assert_int_equal(cl.len, 0);
        atomic_store(&go_on, 1);
        client_read(&cl, &an, "GET");
        assert_string_equal(an.body, "/wait ");
        client_read(&cl, &an, "GET");
        assert_string_equal(an.body, "/3 ");
    }
    client_close(&cl);
}

static void streamed_answers_keep_their_place(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_send(&cl, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /stream HTTP/1.1\r\nHost: a\r\n\r\n"
                     "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    client_read(&cl, &an, "GET");
    assert_string_equal(an.body, "/1 ");
    client_read(&cl, &an, "GET");
    assert_int_equal(an.length, 15000);
    client_read(&cl, &an, "GET");
    assert_string_equal(an.body, "/2 ");
    client_close(&cl);
}

static void close_ends_the_batch(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_send(&cl,
                "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    client_read(&cl, &an, "GET");
    assert_string_equal(an.body, "/1 ");
    client_read(&cl, &an, "GET");
    assert_string_equal(an.body, "/2 ");
    client_eof(&cl);
    client_close(&cl);
}

static void answers_before_a_malformed_request_or_a_panic_arrive(void **state)
{
    (void)state;
    static const char *const last[] = {"GET /\x01 HTTP/1.1\r\n\r\n",
                                       "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n"};
    static const int statuses[] = {400, 500};
    for (int i = 0; i < 2; i++) {
        client_open(&cl, &srv);
        snprintf(batch, sizeof batch,
                 "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n%s", last[i]);
        client_send(&cl, batch);
        client_read(&cl, &an, "GET");
        assert_string_equal(an.body, "/1 ");
        client_read(&cl, &an, "GET");
        assert_string_equal(an.body, "/2 ");
        client_read(&cl, &an, "GET");
        assert_int_equal(an.status, statuses[i]);
        client_eof(&cl);
        client_close(&cl);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hundred_requests_at_once),
        cmocka_unit_test(batches_cut_at_odd_places),
        cmocka_unit_test(slow_request_does_not_hold_back_earlier_answers),
        cmocka_unit_test(streamed_answers_keep_their_place),
        cmocka_unit_test(close_ends_the_batch),
        cmocka_unit_test(answers_before_a_malformed_request_or_a_panic_arrive),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
