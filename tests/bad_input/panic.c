/* include/oakum/panic.h with bad input. */
#include "bad.h"

static const char *volatile no_format;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
CALL(panic_without_a_format, if (!no_format) oak_panic(no_format))
#pragma GCC diagnostic pop
CALL(panic_with_much_text, if (!no_format) oak_panic("%01000d", 5))
CALL(panic_with_nothing, if (!no_format) oak_panic("%s", ""))

BOTH(messages)
{
    struct oak_panic_info info;
    expect_panic(panic_without_a_format, NULL, "(no message)");
    expect_panic(panic_with_nothing, NULL, "");
    expect_panic(panic_with_much_text, NULL, "0000");
    expect(oak_recover(panic_with_much_text, NULL, &info) == -ENOTRECOVERABLE);
    expect(strlen(info.message) == sizeof info.message - 1);
    expect(oak_recover(panic_with_much_text, NULL, NULL) == -ENOTRECOVERABLE);
}

static int deferred;

static void note(void *arg)
{
    deferred += arg ? 10 : 1;
}

static void defer_nothing(void *arg)
{
    oak_defer(note, NULL);
    oak_defer(NULL, NULL);
    oak_defer(NULL, arg);
    if (arg)
        oak_panic("with nothing deferred");
}

BOTH(nothing_to_call)
{
    struct oak_panic_info info = {.signal = 77};
    deferred = 0;
    expect(oak_recover(NULL, NULL, &info) == -EINVAL && oak_recover(NULL, NULL, NULL) == -EINVAL);
    expect(info.signal == 77);
    expect(oak_recover(defer_nothing, NULL, &info) == 0 && deferred == 1);
    expect(oak_recover(defer_nothing, &info, &info) == -ENOTRECOVERABLE && deferred == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages),
        cmocka_unit_test(nothing_to_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
