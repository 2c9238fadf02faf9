/* Leaks in scopes and under contexts. */
#include "proventest.h"

OAK_TASK(stuck_child, ints, ch)
{
    oak_set_name("stuck child");
    send_one(raw_of(ch));
}

static void own_a_scope(void *arg)
{
    (void)arg;
    oak_scope (s) {
        if (oak_go(s, stuck_child, make()))
            abort();
    }
}

static void stuck_scope(struct scene *s)
{
    go("scope owner", own_a_scope, NULL);
    settle("stuck child", 1);
    settle("scope owner", 1);
    check_now(s);
}

static void a_scope_whose_child_is_leaked(void **state)
{
    (void)state;
    struct scene *s = play(stuck_scope);
    assert_int_equal(proven(s, "stuck child"), 1);
    assert_int_equal(proven(s, "scope owner"), 1);
    assert_non_null(strstr(first_proven(s, "scope owner")->why, "scope's child"));
    done(s);
}

static void send_in_context(void *arg)
{
    oak_ctx *c = oak_ctx_new(NULL);
    if (!c)
        abort();
    oak_with_ctx (c)
        send_one(arg);
    oak_ctx_unref(c);
}

static NOINLINE void wait_in_context(void)
{
    go("own context", send_in_context, raw_of(make()));
    settle("own context", 1);
}

static void unknown_context(struct scene *s)
{
    wait_in_context();
    check_now(s);
}

static void a_context_that_nobody_else_can_cancel(void **state)
{
    (void)state;
    struct scene *s = play(unknown_context);
    assert_int_equal(proven(s, "own context"), 1);
    assert_non_null(strstr(first_proven(s, "own context")->why, "context"));
    done(s);
}

static void wait_done(void *arg)
{
    char c;
    if (oak_recv((oak_done_chan)(uintptr_t)oak_ctx_done(arg), &c))
        return;
}

static NOINLINE void wait_for_forgotten_context(void)
{
    oak_ctx *c = oak_ctx_new(NULL);
    if (!c)
        abort();
    go("done channel", wait_done, c);
    settle("done channel", 1);
}

static void forgotten_context(struct scene *s)
{
    wait_for_forgotten_context();
    check_now(s);
}

static void the_done_channel_of_a_forgotten_context(void **state)
{
    (void)state;
    assert_proven(forgotten_context, "done channel", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scope_whose_child_is_leaked),
        cmocka_unit_test(a_context_that_nobody_else_can_cancel),
        cmocka_unit_test(the_done_channel_of_a_forgotten_context),
    };
    return heap_is_known() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
