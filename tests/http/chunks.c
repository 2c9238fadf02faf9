/* Bodies, chunked ones above all: the parser glue fed from memory. */
#include "reader.h"

#define CHUNKED_HEAD "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

static void chunked_body_and_what_follows_it(void **state)
{
    (void)state;
    static const char text[] = CHUNKED_HEAD "5\r\nhello\r\n"
                                            "6;ext=\"v w\"\r\n world\r\n"
                                            "00A\r\n0123456789\r\n"
                                            "0\r\nTrailer: x\r\nHost: evil\r\n\r\n"
                                            "GET /next HTTP/1.1\r\nHost: b\r\n\r\n";
    for (size_t step = 1; step < sizeof text; step++) {
        for (size_t piece = 1; piece < 64; piece += 7) {
            struct reader r;
            char body[64];
            size_t got = 0;
            reader_init(&r, HTTP_REQUEST, &roomy, text, sizeof text - 1, step);
            assert_int_equal(read_head(&r), 0);
            for (ssize_t n; (n = oak__http_msg_body(&r.m, body + got, piece)) != 0;) {
                if (n == -EAGAIN)
                    assert_true(feed(&r));
                else
                    assert_true(n > 0 && (size_t)n <= piece);
                got += n > 0 ? (size_t)n : 0;
            }
            assert_int_equal(got, 21);
            assert_memory_equal(body, "hello world0123456789", 21);
            assert_string_equal(oak__http_find(&r.m, "host"), "a");
            oak__http_msg_next(&r.m);
            assert_int_equal(read_head(&r), 0);
            assert_string_equal(r.m.text + r.m.target.at, "/next");
            reader_free(&r);
        }
    }
}

static void malformed_chunks_are_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "x\r\n",
        "-1\r\na\r\n",
        "+1\r\na\r\n",
        "0x1\r\na\r\n",
        " 1\r\na\r\n",
        "1 \r\na\r\n0\r\n\r\n",
        "\r\n1\r\na\r\n",
        "1\na\r\n0\r\n\r\n",
        "1\r\na\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "1\r\na0\r\n\r\n",
        "1\r\na\r\n0\r\n\n",
        "1\r\na\r\n0\n\r\n",
        "1\r\na\r\n0\r\nA: b\n\r\n",
        "1\r\na\r\n0\r\nA: b\r\r\n\r\n",
        "1;a\nb\r\na\r\n0\r\n\r\n",
        "1;a\rb\r\na\r\n0\r\n\r\n",
        "10000000000000000\r\na\r\n",
        "FFFFFFFFFFFFFFFFF\r\na\r\n",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        for (size_t step = 1; step < 100; step = step < 8 ? step + 1 : step * 3) {
            char text[256], body[64];
            int len = snprintf(text, sizeof text, CHUNKED_HEAD "%s", bodies[i]);
            struct reader r;
            reader_init(&r, HTTP_REQUEST, &roomy, text, (size_t)len, step);
            assert_int_equal(read_head(&r), 0);
            ssize_t n = read_body(&r, body, sizeof body);
            if (n != -EBADMSG)
                print_message("chunks %zu in steps of %zu: %zd\n", i, step, n);
            assert_int_equal(n, -EBADMSG);
            assert_int_equal(oak__http_msg_body(&r.m, body, 1), -EBADMSG);
            reader_free(&r);
        }
    }
}

static void body_limit_holds_for_both_framings(void **state)
{
    (void)state;
    const struct http_bounds tight = {.head = 1 << 10, .fields = 16, .body = 4};
    static const char *const texts[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        CHUNKED_HEAD "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < 2; i++) {
        struct reader r;
        char body[64];
        reader_init(&r, HTTP_REQUEST, &tight, texts[i], strlen(texts[i]), 3);
        assert_int_equal(read_head(&r), 0);
        assert_int_equal(read_body(&r, body, sizeof body), -EMSGSIZE);
        reader_free(&r);
    }
}

/* However a client pads its chunks, it cannot make the server read for ever. */
static void chunk_extensions_and_trailers_are_bounded(void **state)
{
    (void)state;
    const struct http_bounds tight = {.head = 512, .fields = 16, .body = 1 << 20};
    static const char *const kinds[] = {"1;%.*s\r\na\r\n", "0\r\nA: %.*s\r\n"};
    char pad[1000], text[4000];
    memset(pad, 'x', sizeof pad);
    for (size_t i = 0; i < 2; i++) {
        for (int len = 100; len < 1000; len += 800) {
            char body[64];
            struct reader r;
            int size = snprintf(text, sizeof text, CHUNKED_HEAD);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            size += snprintf(text + size, sizeof text - (size_t)size, kinds[i], len, pad);
#pragma GCC diagnostic pop
            reader_init(&r, HTTP_REQUEST, &tight, text, (size_t)size, 100);
            assert_int_equal(read_head(&r), 0);
            ssize_t n = oak__http_msg_body(&r.m, body, sizeof body);
            while (n == -EAGAIN && feed(&r))
                n = oak__http_msg_body(&r.m, body, sizeof body);
            assert_int_equal(n, len > 512 ? -EBADMSG : i == 0 ? 1 : -EAGAIN);
            reader_free(&r);
        }
    }
}

static void many_small_chunks_are_no_offence(void **state)
{
    (void)state;
    const struct http_bounds tight = {.head = 512, .fields = 16, .body = 1 << 20};
    static char text[64 << 10], body[16 << 10];
    size_t len = (size_t)snprintf(text, sizeof text, CHUNKED_HEAD);
    for (int i = 0; i < 5000; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "1\r\na\r\n");
    len += (size_t)snprintf(text + len, sizeof text - len, "0\r\n\r\n");
    struct reader r;
    reader_init(&r, HTTP_REQUEST, &tight, text, len, 1000);
    assert_int_equal(read_head(&r), 0);
    assert_int_equal(read_body(&r, body, sizeof body), 5000);
    reader_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunked_body_and_what_follows_it),
        cmocka_unit_test(malformed_chunks_are_refused),
        cmocka_unit_test(body_limit_holds_for_both_framings),
        cmocka_unit_test(chunk_extensions_and_trailers_are_bounded),
        cmocka_unit_test(many_small_chunks_are_no_offence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
