/* A stack is as large as was asked for, whatever the page size is: 4, 16 and 64 KiB on aarch64. */
#include "base/common.h"
#include "base/os.h"
#include "stack/stack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { LEAST_PAGE = 4096 };

static void usable_is_what_was_asked_for(void **state)
{
    (void)state;
    for (size_t want = 1; want <= 8 << 20; want = want * 3 / 2 + 1) {
        int class = oak__stack_class(want);
        assert_true(class >= 0);
        /* With the smallest pages a guard may be taken off. */
        assert_true(oak__stack_usable(class) <= 1 << 30);
        assert_true(oak__stack_usable(class) + LEAST_PAGE >= want);
    }
    assert_int_equal(oak__stack_class(((size_t)8 << 20) + LEAST_PAGE + 1), -1);
}

static void top_lies_in_what_is_usable(void **state)
{
    (void)state;
    for (int i = 0; i < OAK__STACK_CLASSES; i++) {
        char *lo = oak__stack_get_class(i);
        assert_non_null(lo);
        char *top = oak__stack_top(lo, i);
        assert_true(top > lo && top <= lo + oak__stack_usable(i));
        lo[0] = top[-1] = 1;
        oak__stack_put_class(i, lo);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usable_is_what_was_asked_for),
        cmocka_unit_test(top_lies_in_what_is_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
