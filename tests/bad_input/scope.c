/* include/oakum/scope.h with bad input. */
#include "bad.h"

OAK_TASK(never, int, unused)
{
    never_called(&unused);
}

static void use(oak_scope *s)
{
    struct oak_scope_error e;
    expect(oak_scope_wait(s) == -EINVAL && oak_scope_cancel(s, 1) == -EINVAL &&
           oak_scope_close(s) == -EINVAL);
    expect(oak_scope_fail(s, -EIO) == -EINVAL && oak_scope_ctx(s) == NULL);
    expect(oak_scope_error_at(s, 0, &e) == -EINVAL && oak_go(s, never, 1) == -EINVAL);
    if (s)
        expect(oak_spawn_with(&(struct oak_spawn_opts){.scope = s}, never_called, NULL) == -EINVAL);
}

BOTH(what_is_no_scope_is_refused)
{
    struct strangers s;
    use(NULL);
    strangers_begin(&s);
    for (int i = 0; i < STRANGERS; i++)
        use(s.at[i]);
    strangers_end(&s);
    expect(oak_scope_current() == NULL);
}

/* A place of its own for the scope, which the stack does not use for something else. */
BOTH(a_scope_that_was_left_is_refused)
{
    struct oak__scope_mem mem = {{0}};
    oak_scope
        *s = oak__scope_enter(&mem, &(struct oak_scope_opts){.name = "left"});
    expect(oak_scope_current() == s && oak_scope_wait(s) == 0);
    oak__scope_leave(&mem);
    use(s);
}

struct not_mine {
    oak_scope
        *s;
    int result;
};

static void wait_for_it(void *arg)
{
    struct not_mine *n = arg;
    n->result = oak_scope_wait(n->s);
}

BOTH(only_the_owner_waits)
{
    oak_scope (s) {
        struct not_mine n = {s, 0};
        expect(oak_spawn_with(&(struct oak_spawn_opts){.scope = s}, wait_for_it, &n) == 0);
        expect(oak_scope_wait(s) == 0 && n.result == -EPERM);
    }
}

BOTH(values_out_of_range)
{
    struct oak_scope_error e = {.err = 5};
    oak_scope (s) {
        expect(oak_scope_fail(s, 0) == -EINVAL && oak_scope_fail(s, 1) == -EINVAL &&
               oak_scope_fail(s, INT32_MAX) == -EINVAL);
        expect(oak_scope_error_at(s, 0, NULL) == -EINVAL);
        expect(oak_scope_error_at(s, 0, &e) == -ENOENT && oak_scope_error_at(s, SIZE_MAX, &e) == -ENOENT);
        expect(e.err == 5);
        expect(oak_scope_fail(s, INT32_MIN) == 0 && oak_scope_error_at(s, 0, &e) == 0 && e.err == INT32_MIN);
        expect(oak_scope_error_at(s, 1, &e) == -ENOENT);
    }
}

BOTH(used_after_it_was_closed_or_cancelled)
{
    oak_scope (s) {
        expect(oak_scope_close(s) == 0 && oak_scope_close(s) == 0);
        expect(oak_go(s, never, 1) == -EPIPE);
        expect(oak_scope_cancel(s, 7) == 0 && oak_scope_cancel(s, 8) == -EALREADY);
        expect(oak_ctx_cause(oak_scope_ctx(s)) == 7);
    }
}

static enum oak_policy wanted;

CALL(open_with_policy, oak_scope (s, .name = "odd", .policy = wanted) expect(s && !s))

BOTH(policies_that_there_are_not)
{
    static const int policies[] = {4, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < countof(policies); i++) {
        wanted = (enum oak_policy)policies[i];
        expect_panic(open_with_policy, NULL, "scope odd: ");
        expect(oak_scope_current() == NULL && oak_ctx_current() == NULL);
    }
}

BOTH(times_in_the_past_have_come)
{
    for (size_t i = 1; i < countof(absurd_past); i++) {
        int err = 0;
        oak_scope (s, .timeout = absurd_past[i], .err = &err) {
            expect(oak_sleep(OAK_HOUR) == -ETIMEDOUT);
            expect(oak_go(s, never, 1) == -ETIMEDOUT);
        }
        expect(err == -ETIMEDOUT);
    }
    oak_scope (s, .timeout = OAK_FOREVER, .shutdown = OAK_FOREVER)
        expect(oak_sleep(1) == 0 && s);
}

static void end_late(void *arg)
{
    (void)arg;
    oak_with_ctx (NULL)
        expect(oak_sleep(2 * OAK_MILLISECOND) == 0);
}

/* Says on standard error who is late, after no time at all, and waits. */
BOTH(no_time_to_shut_down)
{
    oak_scope (s, .shutdown = INT64_MIN) {
        expect(oak_spawn_with(&(struct oak_spawn_opts){.name = "late", .scope = s}, end_late, NULL) == 0);
        oak_yield();
        expect(oak_scope_cancel(s, 0) == 0);
    }
}

BOTH(a_quorum_of_none_is_one)
{
    int err = 0;
    oak_scope (s, .policy = OAK_QUORUM, .quorum = 0, .err = &err)
        expect(s);
    expect(err == -ECHILD);
    oak_scope (s, .policy = OAK_QUORUM, .quorum = UINT32_MAX, .err = &err)
        expect(s);
    expect(err == -ECHILD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_scope_is_refused),
        cmocka_unit_test(a_scope_that_was_left_is_refused),
        cmocka_unit_test(only_the_owner_waits),
        cmocka_unit_test(values_out_of_range),
        cmocka_unit_test(used_after_it_was_closed_or_cancelled),
        cmocka_unit_test(policies_that_there_are_not),
        cmocka_unit_test(times_in_the_past_have_come),
        cmocka_unit_test(no_time_to_shut_down),
        cmocka_unit_test(a_quorum_of_none_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
