/* include/oakum/ctx.h with bad input. */
#include "bad.h"

CALL(new_below, (void)!oak_ctx_new(arg))
CALL(timeout_below, (void)!oak_ctx_with_timeout(arg, 1))
CALL(deadline_below, (void)!oak_ctx_with_deadline(arg, 1))
CALL(value_below, (void)!oak_ctx_with_value(arg, "key", NULL))
CALL(ref, (void)oak_ctx_ref(arg))
CALL(unref, oak_ctx_unref(arg))
CALL(deadline, (void)oak_ctx_deadline(arg))
CALL(value, (void)oak_ctx_value(arg, "key"))
CALL(done, (void)oak_ctx_done(arg))
CALL(after, (void)!oak_ctx_after(arg, never_called, NULL))
CALL(with_ctx, oak_with_ctx (arg) never_called(arg))

static void use(void *wrong)
{
    static void (*const panics[])(void *) = {new_below, timeout_below, deadline_below, value_below,
                                             ref,       unref,         deadline,       value,
                                             done,      after,         with_ctx};
    static const char *const names[] = {"new_below", "timeout_below", "deadline_below", "value_below",
                                        "ref",       "unref",         "deadline",       "value",
                                        "done",      "after",         "with_ctx"};
    for (size_t i = 0; i < countof(panics); i++)
        expect(panics_here(panics[i], wrong, names[i], "is no context"));
    expect(oak_ctx_cancel(wrong, 0) == -EINVAL);
    expect(oak_ctx_err(wrong) == -EINVAL && oak_ctx_cause(wrong) == -EINVAL);
}

BOTH(what_is_no_context_is_refused)
{
    struct strangers s;
    strangers_begin(&s);
    each_stranger_but(s, CONTEXT, i) use(s.at[i]);
    strangers_end(&s);
    use(s.at[CONTEXT]);
    expect(oak_ctx_current() == NULL);
}

BOTH(null_is_the_background)
{
    expect(oak_ctx_ref(NULL) == NULL);
    oak_ctx_unref(NULL);
    expect(oak_ctx_cancel(NULL, 0) == -EINVAL);
    expect(oak_ctx_err(NULL) == 0 && oak_ctx_cause(NULL) == 0 && oak_ctx_deadline(NULL) == OAK_FOREVER);
    expect(oak_ctx_value(NULL, "key") == NULL && oak_ctx_done(NULL) == NULL);
    oak_with_ctx (NULL)
        expect(oak_sleep(1) == 0);
    expect(oak_ctx_after(NULL, NULL, NULL) == NULL && !oak_ctx_after_stop(NULL));
}

/* Held by something else, it may be given back once too often without notice; held by nobody it is told. */
BOTH(one_reference_too_few)
{
    oak_ctx *c = oak_ctx_new(NULL);
    expect(oak_ctx_ref(c) == c);
    oak_ctx_unref(c);
    oak_ctx_unref(c);
    expect_panic(unref, c, "was the last reference given back?");
    /* Its memory is in order. */
    oak_ctx *again[3];
    for (int i = 0; i < 3; i++)
        expect((again[i] = oak_ctx_new(NULL)) && oak_ctx_err(again[i]) == 0);
    expect(again[0] != again[1] && again[1] != again[2] && again[0] != again[2]);
    for (int i = 0; i < 3; i++)
        oak_ctx_unref(again[i]);
}

BOTH(times_in_the_past_have_come)
{
    for (size_t i = 0; i < countof(absurd_past); i++) {
        oak_ctx *a = oak_ctx_with_timeout(NULL, absurd_past[i]);
        oak_ctx *b = oak_ctx_with_deadline(NULL, absurd_past[i]);
        expect(oak_ctx_err(a) == -ETIMEDOUT && oak_ctx_err(b) == -ETIMEDOUT);
        expect(oak_ctx_cause(a) == -ETIMEDOUT && oak_ctx_cancel(a, 0) == -EALREADY);
        oak_ctx_unref(a);
        oak_ctx_unref(b);
        oak_with_timeout (absurd_past[i])
            expect(oak_sleep(OAK_HOUR) == -ETIMEDOUT);
        oak_shield (absurd_past[i])
            expect(oak_sleep(OAK_HOUR) == -ETIMEDOUT);
    }
}

BOTH(times_beyond_the_end_of_time)
{
    oak_ctx *a = oak_ctx_with_timeout(NULL, OAK_FOREVER - 1), *b = oak_ctx_with_deadline(a, OAK_FOREVER);
    expect(oak_ctx_err(a) == 0 && oak_ctx_err(b) == 0 && oak_ctx_deadline(b) == oak_ctx_deadline(a));
    oak_ctx_unref(a);
    oak_ctx_unref(b);
}

BOTH(no_key)
{
    int v;
    oak_ctx *c = oak_ctx_with_value(NULL, NULL, &v);
    expect(c && oak_ctx_value(c, NULL) == NULL && oak_ctx_value(c, &v) == NULL);
    oak_ctx_unref(c);
}

BOTH(after_functions_are_stopped_once)
{
    struct strangers s;
    strangers_begin(&s);
    each_stranger_but(s, AFTER, i) expect(!oak_ctx_after_stop(s.at[i]));
    strangers_end(&s);
    expect(!oak_ctx_after_stop(s.at[AFTER]));
    oak_ctx *c = oak_ctx_new(NULL);
    expect(oak_ctx_after(c, NULL, NULL) == NULL);
    oak_after *a = oak_ctx_after(c, never_called, NULL);
    expect(a && oak_ctx_after_stop(a));
    for (int i = 0; i < 10; i++)
        expect(!oak_ctx_after_stop(a));
    expect(oak_ctx_cancel(c, 1) == 0 && oak_ctx_cancel(c, 2) == -EALREADY && oak_ctx_cause(c) == 1);
    oak_ctx_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_context_is_refused),
        cmocka_unit_test(null_is_the_background),
        cmocka_unit_test(one_reference_too_few),
        cmocka_unit_test(times_in_the_past_have_come),
        cmocka_unit_test(times_beyond_the_end_of_time),
        cmocka_unit_test(no_key),
        cmocka_unit_test(after_functions_are_stopped_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
