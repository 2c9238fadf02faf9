/* What must not be let in: answered with 400 or its relatives, the connection closed, no handler run. */
#include "harness.h"

static _Atomic int runs;

static int count(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    atomic_fetch_add(&runs, 1);
    return oak_http_reply(p, 200, NULL, "in", 2);
}

static struct server srv;

static int set_up(void **state)
{
    (void)state;
    server_start(&srv,
                 &(struct oak_http_server_opts){.handler = count, .max_header = 2000, .max_fields = 10});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

#define HOST "Host: a\r\n"
/* Behind each: a request that must not be taken for one, were the first read in another way. */
#define SMUGGLED "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

static const struct {
    const char *what, *text;
    int status;
} cases[] = {
    {"garbage", "\x16\x03\x01\x02\x00garbage\r\n\r\n", 400},
    {"an unknown method", "FROB / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"no version", "GET /\r\n\r\n", 505},
    {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"HTTP/3.0", "GET / HTTP/3.0\r\n" HOST "\r\n", 505},
    {"blank before a colon", "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400},
    {"a folded line", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400},
    {"bare LF", "GET / HTTP/1.1\n" HOST "\n", 400},
    {"bare CR", "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", 400},
    {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
    {"length and chunked",
     "POST / HTTP/1.1\r\n" HOST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"chunked and length",
     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n", 400},
    {"two lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 40\r\n\r\n", 400},
    {"a list of lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0, 0\r\n\r\n", 400},
    {"a signed length", "POST / HTTP/1.1\r\n" HOST "Content-Length: +0\r\n\r\n", 400},
    {"a coding in disguise", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 501},
    {"a coding behind a tab",
     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\tchunked, identity\r\n\r\n0\r\n\r\n", 400},
    {"a coding before a blank", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
     400},
    {"a coding in HTTP/1.0", "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"too many fields",
     "GET / HTTP/1.1\r\n" HOST "A:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\n\r\n",
     431},
    {"an expectation", "GET / HTTP/1.1\r\n" HOST "Expect: cookies\r\n\r\n", 417},
};

static void malformed_requests_are_refused_and_the_connection_ends(void **state)
{
    (void)state;
    atomic_store(&runs, 0);
    uint64_t before = server_stats(&srv).malformed;
    size_t n = sizeof cases / sizeof cases[0];
    for (size_t i = 0; i < n; i++) {
        client_open(&cl, &srv);
        client_send(&cl, cases[i].text);
        client_send(&cl, SMUGGLED);
        client_read(&cl, &an, "GET");
        if (an.status != cases[i].status)
            fail_msg("%s: %d", cases[i].what, an.status);
        assert_true(an.close);
        client_eof(&cl);
        client_close(&cl);
    }
    assert_int_equal(atomic_load(&runs), 0);
    assert_int_equal(server_stats(&srv).malformed - before, n);
}

/* The chunks are read by the handler, or after it: so it runs, but nothing behind the bad chunk does. */
static void nothing_behind_a_bad_chunk_is_a_request(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "0\r\n\rGET /", "1\nA\r\n0\r\n\r\n", "1\r\nAB\r\n0\r\n\r\n",  "g\r\n",
        "-0\r\n\r\n",   "0x0\r\n\r\n",       "fffffffffffffffff\r\n", "0\r\nA: b\n\r\n"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        atomic_store(&runs, 0);
        client_open(&cl, &srv);
        client_send(&cl, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
        client_send(&cl, bodies[i]);
        client_send(&cl, SMUGGLED);
        client_read(&cl, &an, "POST");
        client_eof(&cl);
        client_close(&cl);
        assert_int_equal(atomic_load(&runs), 1);
    }
}

static void long_heads_are_refused(void **state)
{
    (void)state;
    char a[3001];
    memset(a, 'a', sizeof a);
    a[3000] = 0;
    client_open(&cl, &srv);
    client_send(&cl, "GET /");
    client_send(&cl, a);
    client_read(&cl, &an, "GET");
    assert_int_equal(an.status, 414);
    client_eof(&cl);
    client_close(&cl);
    client_open(&cl, &srv);
    client_send(&cl, "GET / HTTP/1.1\r\nA: ");
    client_send(&cl, a);
    client_read(&cl, &an, "GET");
    assert_int_equal(an.status, 431);
    client_eof(&cl);
    client_close(&cl);
}

/* A client that hears "no" while it still sends: it must read the answer, not a reset. */
static void refusal_arrives_although_the_client_goes_on_sending(void **state)
{
    (void)state;
    static char junk[200000];
    memset(junk, 'x', sizeof junk);
    for (int i = 0; i < 5; i++) {
        client_open(&cl, &srv);
        client_send(&cl, "GET / HTTP/9.9\r\n\r\n");
        client_send_bytes(&cl, junk, sizeof junk);
        client_read(&cl, &an, "GET");
        assert_int_equal(an.status, 505);
        client_eof(&cl);
        client_close(&cl);
    }
}

static void server_serves_on_after_all_that(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    client_ask(&cl, "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", &an);
    assert_string_equal(an.body, "in");
    client_close(&cl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_requests_are_refused_and_the_connection_ends),
        cmocka_unit_test(nothing_behind_a_bad_chunk_is_a_request),
        cmocka_unit_test(long_heads_are_refused),
        cmocka_unit_test(refusal_arrives_although_the_client_goes_on_sending),
        cmocka_unit_test(server_serves_on_after_all_that),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
