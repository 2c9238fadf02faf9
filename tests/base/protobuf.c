/* The wire format, byte for byte, and gzip around it. */
#include "base/os.h"
#include "base/protobuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void assert_bytes(struct oak__pb *b, const char *bytes, size_t n)
{
    assert_false(b->failed);
    assert_int_equal(b->n, n);
    assert_memory_equal(b->data, bytes, n);
    oak__pb_free(b);
}
#define BYTES(b, text) assert_bytes(b, text, sizeof(text) - 1)

static void numbers(void **state)
{
    (void)state;
    struct oak__pb b = {.n = 0};
    oak__pb_number(&b, 1, 150); /* the example of the format's description */
    BYTES(&b, "\x08\x96\x01");
    oak__pb_number(&b, 1, 0); /* left out */
    oak__pb_number(&b, 16, 127);
    BYTES(&b, "\x80\x01\x7f");
    oak__pb_number(&b, 2, (uint64_t)-1);
    BYTES(&b, "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

static void bytes_and_packed_numbers(void **state)
{
    (void)state;
    struct oak__pb b = {.n = 0};
    const uint64_t packed[] = {3, 270, 86942};
    oak__pb_bytes(&b, 2, "testing", 7);
    BYTES(&b, "\x12\x07testing");
    oak__pb_bytes(&b, 6, "", 0);
    BYTES(&b, "\x32\x00");
    oak__pb_numbers(&b, 6, packed, 3);
    BYTES(&b, "\x32\x06\x03\x8e\x02\x9e\xa7\x05");
    oak__pb_numbers(&b, 6, packed, 0);
    assert_int_equal(b.n, 0);
}

static void messages_nest(void **state)
{
    (void)state;
    struct oak__pb b = {.n = 0};
    size_t outer = oak__pb_begin(&b);
    size_t inner = oak__pb_begin(&b);
    oak__pb_number(&b, 1, 150);
    oak__pb_end(&b, 3, inner);
    oak__pb_number(&b, 2, 1);
    oak__pb_end(&b, 4, outer);
    BYTES(&b, "\x22\x07\x1a\x03\x08\x96\x01\x10\x01");
}

static void a_long_message(void **state)
{
    (void)state;
    static char text[100000];
    struct oak__pb b = {.n = 0};
    memset(text, 'x', sizeof text);
    size_t begin = oak__pb_begin(&b);
    oak__pb_bytes(&b, 1, text, sizeof text);
    oak__pb_end(&b, 1, begin);
    assert_false(b.failed);
    assert_int_equal(b.n, sizeof text + 8);
    assert_memory_equal(b.data, "\x0a\xa4\x8d\x06\x0a\xa0\x8d\x06xx", 10);
    assert_int_equal(b.data[b.n - 1], 'x');
    oak__pb_free(&b);
}

static void stored_in_gzip(void **state)
{
    (void)state;
    struct oak__pb b = {.n = 0};
    oak__pb_gzip(&b, "123456789", 9); /* its CRC is in every description: cbf43926 */
    BYTES(&b, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x09\x00\xf6\xff"
              "123456789\x26\x39\xf4\xcb\x09\x00\x00\x00");
    oak__pb_gzip(&b, "", 0);
    BYTES(&b, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x00\x00\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00");
}

static void out_of_memory_is_remembered(void **state)
{
    (void)state;
    struct oak__pb b = {.n = 0};
    oak__fault_set(OAK__FAULT_MALLOC, 0, 1, ENOMEM);
    size_t begin = oak__pb_begin(&b);
    oak__pb_number(&b, 1, 1);
    oak__pb_end(&b, 1, begin);
    oak__pb_number(&b, 1, 1);
    assert_true(b.failed);
    assert_int_equal(b.n, 0);
    oak__pb_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),        cmocka_unit_test(bytes_and_packed_numbers),
        cmocka_unit_test(messages_nest),  cmocka_unit_test(a_long_message),
        cmocka_unit_test(stored_in_gzip), cmocka_unit_test(out_of_memory_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
