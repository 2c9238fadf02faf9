/* Scopes: no child outlives its scope, whichever way it is left; limits, places, the tree. */
#include "../support/goroutine.h"

#include "scope/scope.h"

#include <string.h>

static _Atomic int alive, started;

static void reset(void)
{
    alive = started = 0;
}

OAK_TASK(child, int64_t, sleep)
{
    started++;
    alive++;
    (void)oak_sleep(sleep);
    for (int i = 0; i < 3; i++)
        oak_yield();
    alive--;
}

/* ---- ways out ---- */

TEST(end_of_the_block_waits_for_the_children)
{
    reset();
    oak_scope (s) {
        for (int i = 0; i < 10; i++)
            expect(oak_go(s, child, i * 100 * OAK_MICROSECOND) == 0);
    }
    expect(started == 10 && alive == 0);
    expect(oak_scope_current() == NULL && oak__self()->defers == NULL && oak_ctx_current() == NULL);
}

static int leave_by_return(void)
{
    oak_scope (outer) {
        expect(oak_go(outer, child, OAK_MILLISECOND) == 0);
        oak_scope (s) {
            for (int i = 0; i < 5; i++)
                expect(oak_go(s, child, OAK_MILLISECOND) == 0);
            return 3;
        }
    }
    return 4;
}

TEST(break_return_and_goto_wait_for_the_children_without_cancelling_them)
{
    reset();
    oak_scope (s) {
        expect(oak_go(s, child, OAK_MILLISECOND) == 0);
        break;
    }
    expect(started == 1 && alive == 0);
    expect(leave_by_return() == 3);
    expect(started == 7 && alive == 0);
    for (int i = 0; i < 2; i++)
        oak_scope (s) {
            expect(oak_go(s, child, OAK_MILLISECOND) == 0);
            goto out;
        }
out:
    expect(started == 8 && alive == 0);
    expect(oak__self()->defers == NULL && oak_ctx_current() == NULL);
}

OAK_TASK(sleep_until_cancelled, int *, err)
{
    alive++;
    *err = oak_sleep(OAK_HOUR);
    alive--;
}

static int inside_err[2];

static void leave_by_panic(void *arg)
{
    (void)arg;
    oak_scope (outer) {
        expect(oak_go(outer, sleep_until_cancelled, &inside_err[0]) == 0);
        oak_scope (s) {
            expect(oak_go(s, sleep_until_cancelled, &inside_err[1]) == 0);
            wait_until(alive == 2);
            oak_panic("out of here");
        }
    }
}

TEST(panic_cancels_the_children_and_waits_for_them)
{
    struct oak_panic_info p;
    reset();
    expect(oak_recover(leave_by_panic, NULL, &p) == -ENOTRECOVERABLE);
    expect(strcmp(p.message, "out of here") == 0);
    expect(alive == 0 && inside_err[0] == -ECANCELED && inside_err[1] == -ECANCELED);
    expect(oak__self()->defers == NULL && oak_ctx_current() == NULL);
}

/* Its context has ended long ago: the owner waits all the same. */
OAK_TASK(stubborn, bool *, ended)
{
    oak_shield (OAK_SECOND)
        (void)oak_sleep(5 * OAK_MILLISECOND);
    *ended = true;
}

TEST(waiting_for_children_is_not_cancelled)
{
    bool ended = false;
    int err = 0;
    oak_ctx *c = oak_ctx_new(NULL);
    oak_with_ctx (c)
        oak_scope (s, .err = &err) {
            expect(oak_go(s, stubborn, &ended) == 0);
            expect(oak_ctx_cancel(c, 0) == 0);
            expect(oak_sleep(OAK_HOUR) == -ECANCELED);
        }
    expect(ended && err == -ECANCELED);
    oak_ctx_unref(c);
}

/* ---- children that start children ---- */

OAK_TASK(tree, oak_scope *, s, int, depth)
{
    started++;
    if (depth > 0)
        for (int i = 0; i < 3; i++)
            expect(oak_go(s, tree, s, depth - 1) == 0);
}

TEST(children_may_start_siblings_while_the_owner_waits)
{
    reset();
    oak_scope (s)
        expect(oak_go(s, tree, s, 5) == 0);
    expect(started == 1 + 3 + 9 + 27 + 81 + 243);
}

OAK_TASK(nested, int, depth)
{
    started++;
    oak_scope (s) {
        expect(s->parent != NULL);
        for (int i = 0; depth > 0 && i < 2; i++)
            expect(oak_go(s, nested, depth - 1) == 0);
    }
}

TEST(scopes_nest)
{
    reset();
    oak_scope (s)
        expect(oak_go(s, nested, 8) == 0);
    expect(started == 511);
}

/* ---- wait, close, cancel, limit ---- */

TEST(wait_leaves_the_scope_open)
{
    reset();
    oak_scope (s) {
        expect(oak_scope_wait(s) == 0);
        expect(oak_go(s, child, OAK_MILLISECOND) == 0);
        expect(oak_scope_wait(s) == 0 && started == 1 && alive == 0);
        expect(oak_go(s, child, OAK_MILLISECOND) == 0);
        expect(oak_scope_wait(s) == 0 && started == 2 && alive == 0);
    }
}

OAK_TASK(wait_for_anothers, oak_scope *, s)
{
    expect(oak_scope_wait(s) == -EPERM);
}

TEST(only_the_owner_waits)
{
    oak_scope (s)
        expect(oak_go(s, wait_for_anothers, s) == 0);
}

TEST(closed_scope_takes_no_children)
{
    reset();
    oak_scope (s) {
        expect(oak_go(s, child, 0) == 0);
        expect(oak_scope_close(s) == 0);
        expect(oak_go(s, child, 0) == -EPIPE);
    }
    expect(started == 1);
}

TEST(cancelled_scope_takes_no_children_and_its_children_end)
{
    int err[3], scope_err = 0;
    reset();
    oak_scope (s, .err = &scope_err) {
        for (int i = 0; i < 3; i++)
            expect(oak_go(s, sleep_until_cancelled, &err[i]) == 0);
        wait_until(alive == 3);
        expect(oak_scope_cancel(s, 77) == 0);
        expect(oak_scope_cancel(s, 78) == -EALREADY);
        expect(oak_go(s, child, 0) == -ECANCELED);
        expect(oak_ctx_cause(oak_scope_ctx(s)) == 77);
        expect(oak_sleep(1) == -ECANCELED); /* the block, too */
    }
    expect(alive == 0 && started == 0 && scope_err == -ECANCELED);
    for (int i = 0; i < 3; i++)
        expect(err[i] == -ECANCELED);
}

TEST(timeout_of_the_scope_ends_its_children)
{
    int err, scope_err = 0;
    oak_scope (s, .timeout = OAK_MILLISECOND, .err = &scope_err) {
        int started_it = oak_go(s, sleep_until_cancelled, &err);
        if (started_it)
            err = started_it; /* this thread stood still for longer */
    }
    expect(err == -ETIMEDOUT && scope_err == -ETIMEDOUT);
}

static _Atomic int most, now;

OAK_TASK(counted, int, i)
{
    int n = ++now;
    for (int m = most; n > m && !atomic_compare_exchange_weak(&most, &m, n);)
        ;
    (void)oak_sleep(i % 5 * 50 * OAK_MICROSECOND);
    now--;
    started++;
}

TEST(limit_bounds_the_children_at_a_time)
{
    reset();
    most = now = 0;
    oak_scope (s, .limit = 3)
        for (int i = 0; i < 60; i++)
            expect(oak_go(s, counted, i) == 0);
    expect(started == 60 && most <= 3);
}

OAK_TASK(wait_for_close, oak_chan(int), ch)
{
    int v;
    expect(oak_recv(ch, &v) == -EPIPE);
}

static bool somebody_wants_a_place(oak_scope *s)
{
    oak__enter();
    lock(&s->lock);
    bool some = !list_empty(&s->limit_wait);
    unlock(&s->lock);
    oak__exit();
    return some;
}

OAK_TASK(wants_a_place, oak_scope *, s, _Atomic int *, result)
{
    *result = oak_go(s, child, 0);
}

TEST(close_refuses_those_who_wait_for_a_place)
{
    _Atomic int result = 1;
    oak_chan(int) ch = oak_make(int, 0);
    reset();
    oak_scope (others)
        oak_scope (s, .limit = 1) {
            expect(oak_go(s, wait_for_close, ch) == 0);
            expect(oak_go(others, wants_a_place, s, &result) == 0);
            wait_until(somebody_wants_a_place(s));
            expect(oak_scope_close(s) == 0);
            wait_until(result != 1);
            expect(result == -EPIPE);
            oak_chan_close(ch);
        }
    expect(started == 0);
    oak_chan_free(ch);
}

TEST(cancel_refuses_those_who_wait_for_a_place)
{
    _Atomic int result = 1;
    int err;
    reset();
    oak_scope (others)
        oak_scope (s, .limit = 1) {
            expect(oak_go(s, sleep_until_cancelled, &err) == 0);
            expect(oak_go(others, wants_a_place, s, &result) == 0);
            wait_until(somebody_wants_a_place(s));
            expect(oak_scope_cancel(s, 0) == 0);
            oak_with_ctx (NULL)
                wait_until(result != 1);
            expect(result == -ECANCELED);
        }
    expect(started == 0);
}

/* ---- where am I ---- */

OAK_TASK(knows_its_scope, oak_scope *, s)
{
    expect(oak_scope_current() == s);
    expect(oak_ctx_current() == oak_scope_ctx(s));
    oak_scope (mine) {
        expect(oak_scope_current() == mine && mine->parent == s);
        oak_with_timeout (OAK_SECOND)
            expect(oak_scope_current() == mine);
    }
    expect(oak_scope_current() == s);
}

TEST(current_scope_is_the_nearest)
{
    expect(oak_scope_current() == NULL);
    oak_scope (s) {
        expect(oak_scope_current() == s);
        expect(oak_go(s, knows_its_scope, s) == 0);
    }
}

struct tree_walk {
    const void *expected[3];
    int found, depth_of[3];
};

static bool note(const struct oak_scope *s, int depth, void *arg)
{
    struct tree_walk *w = arg;
    for (int i = 0; i < 3; i++)
        if (s == w->expected[i]) {
            w->found++;
            w->depth_of[i] = depth;
        }
    return true;
}

static bool stop_at_once(const struct oak_scope *s, int depth, void *arg)
{
    (void)s, (void)depth;
    ++*(int *)arg;
    return false;
}

TEST(live_scopes_are_a_tree_that_can_be_walked)
{
    struct tree_walk w = {{NULL}};
    int visited = 0;
    oak_scope (a, .name = "a") {
        oak_scope (b, .name = "b") {
            w.expected[0] = a;
            w.expected[1] = b;
        }
        oak_scope (c, .name = "c") {
            w.expected[2] = c;
            oak__scopes_each(note, &w);
            oak__scopes_each(stop_at_once, &visited);
            expect(strcmp(c->opts.name, "c") == 0);
        }
    }
    /* b's place on the stack may well be c's */
    expect(w.found >= 2 && w.depth_of[0] == 0 && w.depth_of[2] == 1 && visited == 1);
    w.found = 0;
    oak__scopes_each(note, &w);
    expect(w.found == 0);
}

static _Atomic bool walking;

static bool count(const struct oak_scope *s, int depth, void *arg)
{
    expect(s->magic == OAK__SCOPE_MAGIC && depth >= 0);
    ++*(int *)arg;
    return true;
}

OAK_TASK(walk, int *, seen)
{
    while (walking) {
        oak__scopes_each(count, seen);
        oak_yield();
    }
}

TEST(tree_is_walked_while_scopes_come_and_go)
{
    int seen = 0;
    walking = true;
    oak_scope (w) {
        expect(oak_go(w, walk, &seen) == 0);
        for (int i = 0; i < 50; i++)
            oak_scope (s) {
                expect(oak_go(s, nested, 5) == 0);
                oak_yield();
            }
        walking = false;
    }
    expect(seen > 0);
}

/* ---- wrong handles ---- */

TEST(wrong_handles_are_refused)
{
    struct oak__scope_mem never = {{0}};
    oak_scope
        *wrong[] = {NULL, (oak_scope *)&never};
    struct oak_scope_error e;
    for (int i = 0; i < 2; i++) {
        oak_scope
            *s = wrong[i];
        expect(oak_scope_wait(s) == -EINVAL && oak_scope_cancel(s, 0) == -EINVAL);
        expect(oak_scope_close(s) == -EINVAL && oak_scope_fail(s, -EIO) == -EINVAL);
        expect(oak_scope_ctx(s) == NULL && oak_scope_error_at(s, 0, &e) == -EINVAL);
        expect(oak_go(s, child, 0) == -EINVAL);
    }
    oak_scope (s) {
        expect(oak_scope_fail(s, 0) == -EINVAL && oak_scope_fail(s, 3) == -EINVAL);
        expect(oak_scope_error_at(s, 0, NULL) == -EINVAL && oak_scope_error_at(s, 0, &e) == -ENOENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(end_of_the_block_waits_for_the_children),
        cmocka_unit_test(break_return_and_goto_wait_for_the_children_without_cancelling_them),
        cmocka_unit_test(panic_cancels_the_children_and_waits_for_them),
        cmocka_unit_test(waiting_for_children_is_not_cancelled),
        cmocka_unit_test(children_may_start_siblings_while_the_owner_waits),
        cmocka_unit_test(scopes_nest),
        cmocka_unit_test(wait_leaves_the_scope_open),
        cmocka_unit_test(only_the_owner_waits),
        cmocka_unit_test(closed_scope_takes_no_children),
        cmocka_unit_test(cancelled_scope_takes_no_children_and_its_children_end),
        cmocka_unit_test(timeout_of_the_scope_ends_its_children),
        cmocka_unit_test(limit_bounds_the_children_at_a_time),
        cmocka_unit_test(close_refuses_those_who_wait_for_a_place),
        cmocka_unit_test(cancel_refuses_those_who_wait_for_a_place),
        cmocka_unit_test(current_scope_is_the_nearest),
        cmocka_unit_test(live_scopes_are_a_tree_that_can_be_walked),
        cmocka_unit_test(tree_is_walked_while_scopes_come_and_go),
        cmocka_unit_test(wrong_handles_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
