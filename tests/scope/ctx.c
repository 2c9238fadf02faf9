/* Contexts: ends, causes, deadlines, values, done channels, after-functions, references. */
#include "../support/goroutine.h"
#include "../support/partner.h"

#include "base/os.h"
#include "scope/ctx.h"

#include <pthread.h>

static bool done_is_closed(oak_ctx *c)
{
    char x;
    return oak_try_recv(oak_ctx_done(c), &x) == -EPIPE;
}

TEST(background_never_ends)
{
    expect(oak_ctx_current() == NULL);
    expect(oak_ctx_err(NULL) == 0 && oak_ctx_cause(NULL) == 0);
    expect(oak_ctx_deadline(NULL) == OAK_FOREVER);
    expect(oak_ctx_value(NULL, "x") == NULL);
    expect(oak_ctx_done(NULL) == NULL);
    expect(oak_ctx_cancel(NULL, 0) == -EINVAL);
    expect(oak_ctx_ref(NULL) == NULL);
    oak_ctx_unref(NULL);
    expect(!oak_ctx_after_stop(NULL));
}

TEST(cancel_ends_it_once_with_its_cause)
{
    oak_ctx *c = oak_ctx_new(NULL);
    expect(oak_ctx_err(c) == 0 && oak_ctx_cause(c) == 0);
    expect(!done_is_closed(c));
    expect(oak_ctx_cancel(c, 42) == 0);
    expect(oak_ctx_err(c) == -ECANCELED && oak_ctx_cause(c) == 42);
    expect(done_is_closed(c));
    expect(oak_ctx_cancel(c, 43) == -EALREADY);
    expect(oak_ctx_cause(c) == 42);
    oak_ctx_unref(c);
    c = oak_ctx_new(NULL);
    expect(oak_ctx_cancel(c, 0) == 0);
    expect(oak_ctx_cause(c) == -ECANCELED);
    expect(done_is_closed(c)); /* made after the end */
    oak_ctx_unref(c);
}

TEST(end_goes_down_not_up)
{
    oak_ctx *top = oak_ctx_new(NULL), *mid = oak_ctx_new(top), *leaf = oak_ctx_new(mid),
            *other = oak_ctx_new(top);
    expect(oak_ctx_cancel(mid, 7) == 0);
    expect(oak_ctx_err(leaf) == -ECANCELED && oak_ctx_cause(leaf) == 7);
    expect(oak_ctx_err(top) == 0 && oak_ctx_err(other) == 0);
    oak_ctx *late = oak_ctx_new(leaf);
    expect(oak_ctx_err(late) == -ECANCELED && oak_ctx_cause(late) == 7);
    expect(oak_ctx_cancel(top, 8) == 0);
    expect(oak_ctx_cause(other) == 8 && oak_ctx_cause(leaf) == 7);
    oak_ctx_unref(top);
    oak_ctx_unref(late);
    oak_ctx_unref(mid);
    oak_ctx_unref(other);
    oak_ctx_unref(leaf);
}

TEST(deadline_ends_it_and_what_is_below)
{
    int64_t before = oak_now();
    oak_ctx *c = oak_ctx_with_timeout(NULL, 2 * OAK_MILLISECOND), *below = oak_ctx_new(c);
    char x;
    expect(oak_ctx_deadline(below) == oak_ctx_deadline(c));
    expect(oak_ctx_deadline(c) >= before + 2 * OAK_MILLISECOND);
    expect(oak_recv(oak_ctx_done(below), &x) == -EPIPE);
    int64_t late = oak_now() - oak_ctx_deadline(c);
    expect(late >= 0);
    print_message("           deadline met after %.3f ms\n", (double)late / 1e6);
    expect(oak_ctx_err(c) == -ETIMEDOUT && oak_ctx_cause(c) == -ETIMEDOUT);
    expect(oak_ctx_err(below) == -ETIMEDOUT && oak_ctx_cause(below) == -ETIMEDOUT);
    expect(oak_ctx_cancel(c, 0) == -EALREADY);
    oak_ctx_unref(below);
    oak_ctx_unref(c);
}

TEST(earliest_deadline_counts)
{
    oak_ctx *outer = oak_ctx_with_timeout(NULL, OAK_HOUR);
    oak_ctx *later = oak_ctx_with_timeout(outer, 2 * OAK_HOUR),
            *never = oak_ctx_with_timeout(outer, OAK_FOREVER);
    oak_ctx *sooner = oak_ctx_with_deadline(outer, oak_now() + OAK_MINUTE);
    oak_ctx *past = oak_ctx_with_deadline(outer, oak_now() - 1), *zero = oak_ctx_with_timeout(outer, 0);
    expect(oak_ctx_deadline(later) == oak_ctx_deadline(outer));
    expect(oak_ctx_deadline(never) == oak_ctx_deadline(outer));
    expect(oak_ctx_deadline(sooner) < oak_ctx_deadline(outer));
    expect(oak_ctx_err(past) == -ETIMEDOUT && oak_ctx_err(zero) == -ETIMEDOUT);
    expect(!load_relaxed(&later->timer.wheel) && load_relaxed(&sooner->timer.wheel)); /* no timer in vain */
    oak_ctx *all[] = {outer, later, never, sooner, past, zero};
    for (size_t i = 0; i < 6; i++)
        oak_ctx_unref(all[i]);
}

TEST(values_are_found_from_below)
{
    static char a, b;
    int one = 1, two = 2;
    oak_ctx *c1 = oak_ctx_with_value(NULL, &a, &one), *c2 = oak_ctx_with_value(c1, &b, &two);
    oak_ctx *c3 = oak_ctx_new(c2), *c4 = oak_ctx_with_value(c3, &a, &two);
    expect(oak_ctx_value(c3, &a) == &one && oak_ctx_value(c3, &b) == &two);
    expect(oak_ctx_value(c4, &a) == &two);
    expect(oak_ctx_value(c1, &b) == NULL && oak_ctx_value(c4, NULL) == NULL);
    oak_ctx *all[] = {c1, c2, c3, c4};
    for (size_t i = 0; i < 4; i++)
        oak_ctx_unref(all[i]);
}

/* ---- references: what nobody holds is given back; a tree of any depth without recursion ---- */

static int in_use;

static bool count_used(void *obj, void *arg)
{
    struct oak_ctx *c = obj;
    (void)arg;
    in_use += load_relaxed(&c->refs) != 0 || load_relaxed(&c->pins) != 0;
    return true;
}

static int contexts_in_use(void)
{
    in_use = 0;
    oak__slab_each(&oak__ctx_slab, count_used, NULL);
    return in_use;
}

TEST(deep_trees_end_and_go)
{
    int before = contexts_in_use();
    oak_ctx *top = oak_ctx_new(NULL), *c = top;
    for (int i = 0; i < 100000; i++) {
        oak_ctx *below = oak_ctx_new(c);
        expect(below != NULL);
        if (c != top)
            oak_ctx_unref(c); /* held by what is below it */
        c = below;
    }
    expect(oak_ctx_cancel(top, 9) == 0);
    expect(oak_ctx_err(c) == -ECANCELED && oak_ctx_cause(c) == 9);
    oak_ctx_unref(top);
    expect(contexts_in_use() == before + 100001);
    oak_ctx_unref(c);
    expect(contexts_in_use() == before);
}

TEST(dropping_one_with_a_deadline_takes_its_timer_back)
{
    int before = contexts_in_use();
    for (int i = 0; i < 1000; i++) {
        oak_ctx *c = oak_ctx_with_timeout(NULL, OAK_HOUR);
        if (i % 2)
            oak_ctx_cancel(c, 0);
        oak_ctx_unref(c);
    }
    expect(contexts_in_use() == before);
}

/* ---- after-functions ---- */

static _Atomic int ran;

static void after(void *arg)
{
    expect(oak_in_goroutine() && oak_ctx_current() == NULL);
    ran += *(int *)arg;
}

TEST(after_function_runs_once_at_the_end)
{
    int one = 1, ten = 10, hundred = 100;
    ran = 0;
    oak_ctx *c = oak_ctx_new(NULL);
    oak_after *a = oak_ctx_after(c, after, &one), *b = oak_ctx_after(c, after, &ten);
    expect(oak_ctx_after_stop(b));
    expect(ran == 0);
    expect(oak_ctx_cancel(c, 0) == 0);
    wait_until(ran == 1);
    expect(!oak_ctx_after_stop(a));
    oak_after *late = oak_ctx_after(c, after, &hundred);
    wait_until(ran == 101);
    expect(!oak_ctx_after_stop(late));
    expect(oak_ctx_after(c, NULL, NULL) == NULL);
    oak_ctx_unref(c);
    a = oak_ctx_after(NULL, after, &ten);
    expect(a != NULL && oak_ctx_after_stop(a));
    expect(ran == 101);
}

TEST(after_function_runs_at_a_deadline_and_without_memory_later)
{
    int one = 1;
    ran = 0;
    oak_ctx *c = oak_ctx_with_timeout(NULL, OAK_MILLISECOND);
    oak_after *a = oak_ctx_after(c, after, &one);
    oak_ctx_unref(c); /* the handle holds it */
    wait_until(ran == 1);
    expect(!oak_ctx_after_stop(a));
}

TEST(stop_against_end_says_whether_it_runs)
{
    int one = 1, stopped = 0;
    struct partner p;
    ran = 0;
    partner_start(&p, cancel_it);
    for (int i = 0; i < PARTNER_ROUNDS; i++) {
        oak_ctx *c = oak_ctx_new(NULL);
        oak_after *a = oak_ctx_after(c, after, &one);
        partner_go(&p, c, i);
        bool before = oak_ctx_after_stop(a);
        partner_wait(&p);
        stopped += before;
        partner_balance(&p, !before);
        oak_ctx_unref(c);
    }
    partner_stop(&p);
    wait_until(ran == PARTNER_ROUNDS - stopped);
    oak_sleep(OAK_MILLISECOND);
    expect(ran == PARTNER_ROUNDS - stopped);
    print_message("           stopped before the end: %d of %d\n", stopped, PARTNER_ROUNDS);
}

/* ---- many at once: children made and dropped, done asked for, deadlines, cancels ---- */

enum { WORKERS = 6, ROUNDS = 3000 };

struct churn {
    oak_ctx *shared[8];
    oak_waitgroup wg;
};

OAK_TASK(churn, struct churn *, s, unsigned, seed)
{
    char x;
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * 1664525u + 1013904223u;
        oak_ctx *c = s->shared[seed >> 16 & 7];
        oak_ctx *below =
            seed & 1 ? oak_ctx_new(c) : oak_ctx_with_timeout(c, (seed >> 20 & 127) * OAK_MICROSECOND);
        expect(below != NULL);
        if (seed & 2)
            expect(oak_ctx_done(below) != NULL);
        if (seed & 4)
            (void)oak_ctx_cancel(below, 5);
        else if (!(seed & 1) && (seed & 8))
            expect(oak_recv(oak_ctx_done(below), &x) == -EPIPE);
        if ((seed & 0xff00) == 0)
            (void)oak_ctx_cancel(c, 6);
        oak_ctx_unref(below);
    }
    oak_waitgroup_done(&s->wg);
}

TEST(trees_survive_all_of_it_at_once)
{
    int before = contexts_in_use();
    struct churn s = {0};
    oak_ctx *top = oak_ctx_new(NULL);
    for (int i = 0; i < 8; i++)
        s.shared[i] = oak_ctx_new(i < 4 ? top : s.shared[i - 4]);
    oak_waitgroup_add(&s.wg, WORKERS);
    for (unsigned i = 0; i < WORKERS; i++)
        expect(oak_go_detached(churn, &s, i * 77777u + 1) == 0);
    expect(oak_waitgroup_wait(&s.wg) == 0);
    expect(oak_ctx_cancel(top, 0) == 0);
    for (int i = 0; i < 8; i++) {
        expect(oak_ctx_err(s.shared[i]) == -ECANCELED);
        oak_ctx_unref(s.shared[i]);
    }
    oak_ctx_unref(top);
    wait_until(contexts_in_use() == before); /* timers in flight hold the memory for a moment */
}

/* ---- plain threads ---- */

static void *in_thread(void *arg)
{
    (void)arg;
    char x;
    oak_ctx *c = oak_ctx_with_timeout(NULL, OAK_MILLISECOND);
    expect(c != NULL);
    expect(oak_recv(oak_ctx_done(c), &x) == -EPIPE);
    expect(oak_ctx_err(c) == -ETIMEDOUT);
    oak_with_ctx (c)
        expect(oak_sleep(OAK_HOUR) == -ETIMEDOUT);
    oak_with_timeout (OAK_MILLISECOND)
        expect(oak_sleep(OAK_HOUR) == -ETIMEDOUT);
    oak_ctx_unref(c);
    return NULL;
}

static void threads_have_contexts_too(void **state)
{
    (void)state;
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, in_thread, NULL), 0);
    pthread_join(t, NULL);
}

static void without_memory(void)
{
    oak__fault_set(OAK__FAULT_MALLOC, 0, 1, ENOMEM);
}

TEST(no_memory_is_said)
{
    without_memory();
    expect(oak_ctx_new(NULL) == NULL);
    without_memory();
    expect(oak_ctx_with_timeout(NULL, OAK_SECOND) == NULL);
    without_memory();
    expect(oak_ctx_with_value(NULL, "", NULL) == NULL);
    without_memory();
    expect(oak_ctx_after(NULL, after, NULL) == NULL);
    oak_ctx *c = oak_ctx_new(NULL);
    without_memory();
    expect(oak_ctx_done(c) == NULL);
    expect(oak_ctx_cancel(c, 0) == 0); /* needs none */
    expect(oak_ctx_err(c) == -ECANCELED);
    expect(done_is_closed(c));
    oak_ctx_unref(c);
}

/* A block whose context could not be made: nothing in it may wait for ever, so nothing in it waits. */
TEST(without_memory_for_its_context_a_block_fails_each_wait)
{
    oak_mutex m = {0};
    without_memory();
    oak_with_timeout (OAK_SECOND) {
        expect(oak_ctx_err(oak_ctx_current()) == -ENOMEM);
        expect(oak_sleep(1) == -ENOMEM);
        expect(oak_mutex_lock(&m) == -ENOMEM);
        expect(oak_ctx_cancel(oak_ctx_current(), 0) == -EALREADY);
    }
    expect(oak_sleep(1) == 0);
    without_memory();
    oak_shield (OAK_SECOND)
        expect(oak_sleep(1) == -ENOMEM);
    int err = 0;
    without_memory();
    oak_scope (s, .err = &err) {
        expect(oak_sleep(1) == -ENOMEM);
        expect(oak_spawn_with(&(struct oak_spawn_opts){.scope = s}, after, NULL) == -ENOMEM);
        expect(oak_scope_wait(s) == -ENOMEM);
    }
    expect(err == -ENOMEM);
    expect(oak_sleep(1) == 0 && oak_ctx_current() == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_have_contexts_too),
        cmocka_unit_test(background_never_ends),
        cmocka_unit_test(cancel_ends_it_once_with_its_cause),
        cmocka_unit_test(end_goes_down_not_up),
        cmocka_unit_test(deadline_ends_it_and_what_is_below),
        cmocka_unit_test(earliest_deadline_counts),
        cmocka_unit_test(values_are_found_from_below),
        cmocka_unit_test(deep_trees_end_and_go),
        cmocka_unit_test(dropping_one_with_a_deadline_takes_its_timer_back),
        cmocka_unit_test(after_function_runs_once_at_the_end),
        cmocka_unit_test(after_function_runs_at_a_deadline_and_without_memory_later),
        cmocka_unit_test(stop_against_end_says_whether_it_runs),
        cmocka_unit_test(trees_survive_all_of_it_at_once),
        cmocka_unit_test(no_memory_is_said),
        cmocka_unit_test(without_memory_for_its_context_a_block_fails_each_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
