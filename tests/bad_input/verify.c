/* include/oakum/verify.h with bad input. */
#include "bad.h"

#include <oakum/verify.h>

CALL(free_mark, oak_leak_mark_free(arg))

static int verify(struct oak_leak_verify_opts opts)
{
    return oak_leak_verify_none(&opts);
}

BOTH(what_is_no_mark_is_told)
{
    struct strangers s;
    oak_leak_mark_free(NULL);
    strangers_begin(&s);
    for (int i = 0; i < STRANGERS; i++) {
        expect_panic(free_mark, s.at[i], "is no mark, or was freed before");
        expect(verify((struct oak_leak_verify_opts){.current = s.at[i]}) == -EINVAL);
    }
    strangers_end(&s);
    if (SANITIZER_TELLS)
        return;
    oak_leak_mark *m = oak_leak_mark_take();
    expect(m);
    oak_leak_mark_free(m);
    expect_panic(free_mark, m, "is no mark, or was freed before");
    expect(verify((struct oak_leak_verify_opts){.current = m}) == -EINVAL);
}

static void wait_for_ever(void *arg)
{
    (void)!oak_recv((oak_chan(int))(uintptr_t)arg, NULL);
}

BOTH(options_out_of_range)
{
    static const char *const none[] = {NULL};
    for (size_t i = 1; i < countof(absurd_past); i++)
        expect(verify((struct oak_leak_verify_opts){.grace = absurd_past[i]}) == -EINVAL);
    expect(oak_leak_verify_none(NULL) == 0 &&
           verify((struct oak_leak_verify_opts){.grace = OAK_FOREVER}) == 0);
    expect(verify((struct oak_leak_verify_opts){.ignore_top = none,
                                                .ignore_any = OAK_NAMES(""),
                                                .ignore_created_by = OAK_NAMES("no such function")}) == 0);
}

/* The result says how many are left, whatever becomes of the report. */
BOTH(nowhere_to_write_to)
{
    oak_chan(int) ch = oak_make(int, 0);
    FILE *full = fopen("/dev/full", "w");
    expect(full);
    oak_scope (s) {
        expect(oak_spawn_with(&(struct oak_spawn_opts){.scope = s}, wait_for_ever, (void *)(uintptr_t)ch) ==
               0);
        expect(verify((struct oak_leak_verify_opts){.grace = 1, .out = full}) > 0);
        expect(oak_chan_close(ch) == 0);
    }
    fclose(full);
    expect(oak_chan_free(ch) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_mark_is_told),
        cmocka_unit_test(options_out_of_range),
        cmocka_unit_test(nowhere_to_write_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
