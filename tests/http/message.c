/* The parser glue, fed from memory: what it accepts, what it refuses, and that it never matters how the bytes
 * were cut. */
#include "reader.h"

#define HOST "Host: a\r\n"

static const struct {
    const char *what, *text;
    int status;
} refused[] = {
    {"no method", " / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"lower-case method", "get / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"unknown method", "FROB / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"binary", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
    {"no target", "GET HTTP/1.1\r\n" HOST "\r\n", 400},
    {"two blanks before the target", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"two blanks behind the target", "GET /  HTTP/1.1\r\n" HOST "\r\n", 400},
    {"tab for a blank", "GET\t/\tHTTP/1.1\r\n" HOST "\r\n", 400},
    {"control byte in the target", "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"byte over 0x7f in the target", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"no version", "GET /\r\n" HOST "\r\n", 505},
    {"HTTP/0.9", "GET / HTTP/0.9\r\n" HOST "\r\n", 505},
    {"HTTP/1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", 505},
    {"HTTP/2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", 505},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"another protocol", "GET / RTSP/1.0\r\n" HOST "\r\n", 400},
    {"blank behind the version", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400},
    {"bare LF behind the request line", "GET / HTTP/1.1\n" HOST "\r\n", 400},
    {"bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
    {"bare LF at the end", "GET / HTTP/1.1\r\n" HOST "\n", 400},
    {"bare CR between fields", "GET / HTTP/1.1\r\n" HOST "A: b\rC: d\r\n\r\n", 400},
    {"CR CR LF", "GET / HTTP/1.1\r\n" HOST "A: b\r\r\n\r\n", 400},
    {"CR before a name", "GET / HTTP/1.1\r\n" HOST "\rA: b\r\n\r\n", 400},
    {"empty name", "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", 400},
    {"no colon", "GET / HTTP/1.1\r\n" HOST "Ab\r\n\r\n", 400},
    {"blank before the colon", "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400},
    {"blank in a name", "GET / HTTP/1.1\r\n" HOST "A B: b\r\n\r\n", 400},
    {"blank before the first name", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"folded line", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400},
    {"folded line after an empty value", "GET / HTTP/1.1\r\n" HOST "A:\r\n c\r\n\r\n", 400},
    {"control byte in a value", "GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n", 400},
    {"no host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", 400},
    {"no fields at all", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
    {"an expectation nobody knows", "GET / HTTP/1.1\r\n" HOST "Expect: miracle\r\n\r\n", 417},
    {"both lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
     400},
    {"both lengths, other order",
     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", 400},
    {"two lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
    {"one length twice", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
    {"list of lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc", 400},
    {"negative length", "POST / HTTP/1.1\r\n" HOST "Content-Length: -3\r\n\r\nabc", 400},
    {"signed length", "POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc", 400},
    {"empty length", "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\nabc", 400},
    {"length with a blank inside", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3 3\r\n\r\nabc", 400},
    {"length with a word", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3x\r\n\r\nabc", 400},
    {"hexadecimal length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc", 400},
    {"length over 64 bits", "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551617\r\n\r\na", 400},
    {"length with a blank before its colon", "POST / HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nabc", 400},
    {"length on a line that begins with a blank", "POST / HTTP/1.1\r\n Content-Length: 3\r\n" HOST "\r\nabc",
     400},
    {"coding that is not chunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\nabc", 501},
    {"two codings", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
    {"chunked not last", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400},
    {"chunked twice",
     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"nearly chunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
    {"quoted coding", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 501},
    {"coding in HTTP/1.0", "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
};

static void malformed_heads_are_refused(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        for (size_t step = 1; step < 1000; step = step < 8 ? step + 1 : step * 3) {
            struct reader r;
            const char *text = refused[i].text;
            reader_init(&r, HTTP_REQUEST, &roomy, text, strlen(text), step);
            int rc = read_head(&r);
            if (rc != refused[i].status) {
                print_message("%s (in steps of %zu): %d, not %d\n", refused[i].what, step, rc,
                              refused[i].status);
                wrong++;
            }
            reader_free(&r);
        }
    }
    assert_int_equal(wrong, 0);
}

static void nul_bytes_are_refused(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n";
    struct reader r;
    reader_init(&r, HTTP_REQUEST, &roomy, text, sizeof text - 1, 1000);
    assert_int_equal(read_head(&r), 400);
    reader_free(&r);
}

static const char good[] = "\r\nPOST /a%20b/../c?x=1&y HTTP/1.1\r\n"
                           "Host:  example.org \t\r\n"
                           "Empty:\r\n"
                           "blank: \t \r\n"
                           "X-A: one two\tthree\r\n"
                           "Content-Length: 5 \r\n"
                           "\r\n"
                           "hello";

static void head_is_read_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t step = 1; step < sizeof good + 5; step++) {
        struct reader r;
        char body[16];
        reader_init(&r, HTTP_REQUEST, &roomy, good, sizeof good - 1, step);
        assert_int_equal(read_head(&r), 0);
        assert_string_equal(r.m.text + r.m.target.at, "/a%20b/../c?x=1&y");
        assert_string_equal(oak__http_find(&r.m, "host"), "example.org");
        assert_string_equal(oak__http_find(&r.m, "EMPTY"), "");
        assert_string_equal(oak__http_find(&r.m, "Blank"), "");
        assert_string_equal(oak__http_find(&r.m, "x-a"), "one two\tthree");
        assert_null(oak__http_find(&r.m, "x-"));
        assert_int_equal(r.m.nfields, 5);
        assert_true(r.m.keep_alive);
        assert_int_equal(read_body(&r, body, sizeof body), 5);
        assert_memory_equal(body, "hello", 5);
        reader_free(&r);
    }
}

static void keep_alive_follows_version_and_connection(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool keep;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reader r;
        reader_init(&r, HTTP_REQUEST, &roomy, cases[i].text, strlen(cases[i].text), 7);
        assert_int_equal(read_head(&r), 0);
        assert_int_equal(r.m.keep_alive, cases[i].keep);
        reader_free(&r);
    }
}

static void upgrades_are_ordinary_requests(void **state)
{
    (void)state;
    static const char text[] =
        "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    struct reader r;
    reader_init(&r, HTTP_REQUEST, &roomy, text, sizeof text - 1, 1000);
    assert_int_equal(read_head(&r), 0);
    assert_int_equal(r.m.body, HTTP_BODY_NONE);
    oak__http_msg_next(&r.m);
    assert_int_equal(read_head(&r), 0);
    assert_string_equal(r.m.text + r.m.target.at, "/next");
    reader_free(&r);
}

static void head_limits_hold(void **state)
{
    (void)state;
    const struct http_bounds tight = {.head = 512, .fields = 4, .body = 4};
    char line[1200], text[2000];
    memset(line, 'a', sizeof line);
    line[sizeof line - 1] = 0;
    const struct {
        const char *format;
        int status;
    } cases[] = {
        {"GET /%.400s HTTP/1.1\r\nHost: a\r\n\r\n", 0},
        {"GET /%.600s HTTP/1.1\r\nHost: a\r\n\r\n", 414},
        {"GET / HTTP/1.1\r\nHost: a\r\nA: %.400s\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nHost: a\r\nA: %.600s\r\n\r\n", 431},
        {"GET / HTTP/1.1\r\nHost: a\r\n%.600s: a\r\n\r\n", 431},
        {"GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nC: 2\r\nD: %.10s\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nC: 2\r\nD: 3\r\nE: %.10s\r\n\r\n", 431},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t step = 1; step < 2000; step = step * 4 + 1) {
            struct reader r;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            int len = snprintf(text, sizeof text, cases[i].format, line);
#pragma GCC diagnostic pop
            reader_init(&r, HTTP_REQUEST, &tight, text, (size_t)len, step);
            assert_int_equal(read_head(&r), cases[i].status);
            reader_free(&r);
        }
    }
}

static void responses_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool head_only;
        int status;
        enum http_body_kind body;
        bool keep;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, 200, HTTP_BODY_LENGTH, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, 200, HTTP_BODY_NONE, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, 200, HTTP_BODY_CHUNKED, true},
        {"HTTP/1.1 200 OK\r\n\r\n", false, 200, HTTP_BODY_EOF, false},
        {"HTTP/1.0 200 OK\r\n\r\n", false, 200, HTTP_BODY_EOF, false},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, 304, HTTP_BODY_NONE, true},
        {"HTTP/1.1 204 \r\n\r\n", false, 204, HTTP_BODY_NONE, true},
        {"HTTP/1.1 100 Continue\r\n\r\n", false, 100, HTTP_BODY_NONE, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t step = 1; step < 100; step *= 3) {
            struct reader r;
            reader_init(&r, HTTP_RESPONSE, &roomy, cases[i].text, strlen(cases[i].text), step);
            r.m.head_only = cases[i].head_only;
            assert_int_equal(read_head(&r), 0);
            assert_int_equal(r.m.ll.status_code, cases[i].status);
            assert_int_equal(r.m.body, cases[i].body);
            assert_int_equal(r.m.keep_alive, cases[i].keep);
            reader_free(&r);
        }
    }
}

static void many_fields_are_kept(void **state)
{
    (void)state;
    char text[8000], name[16], value[16];
    size_t len = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 1; i < 128; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "Name-%d: value %d\r\n", i, i);
    len += (size_t)snprintf(text + len, sizeof text - len, "\r\n");
    struct reader r;
    reader_init(&r, HTTP_REQUEST, &roomy, text, len, 100);
    assert_int_equal(read_head(&r), 0);
    assert_int_equal(r.m.nfields, 128);
    for (int i = 1; i < 128; i++) {
        snprintf(name, sizeof name, "Name-%d", i);
        snprintf(value, sizeof value, "value %d", i);
        assert_string_equal(oak__http_find(&r.m, name), value);
    }
    reader_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_heads_are_refused),
        cmocka_unit_test(nul_bytes_are_refused),
        cmocka_unit_test(head_is_read_however_it_is_cut),
        cmocka_unit_test(keep_alive_follows_version_and_connection),
        cmocka_unit_test(upgrades_are_ordinary_requests),
        cmocka_unit_test(head_limits_hold),
        cmocka_unit_test(responses_are_read),
        cmocka_unit_test(many_fields_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
