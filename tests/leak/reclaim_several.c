/* Reclaim of goroutines that have to do with each other: by locks, by scopes. */
#include "reclaimtest.h"

static oak_mutex lock_a, lock_b;
static _Atomic int holders;

static void unlock(void *m)
{
    oak_mutex_unlock(m);
}

/* Nobody goes on before both have their first lock, however late the other comes. */
static void lock_both(struct outcome *o, oak_mutex *first, oak_mutex *second)
{
    oak_defer(note_deferred, o);
    if (oak_mutex_lock(first))
        abort();
    oak_defer(unlock, first);
    holders++;
    while (holders < 2)
        oak_yield();
    o->first = oak_mutex_lock(second);
    call_again(o);
}

static void lock_ab(void *arg)
{
    lock_both(arg, &lock_a, &lock_b);
}

static void lock_ba(void *arg)
{
    lock_both(arg, &lock_b, &lock_a);
}

static void deadlock(struct scene *s)
{
    go("ab", lock_ab, &out[0]);
    go("ba", lock_ba, &out[1]);
    settle("ab", 1);
    settle("ba", 1);
    check_and_reclaim(s);
}

static void a_lock_cycle_gives_back_its_locks(void **state)
{
    (void)state;
    struct scene *s = play_reclaim(deadlock);
    assert_int_equal(reclaimed, 2);
    assert_cancelled(0);
    assert_cancelled(1);
    assert_int_equal(oak_mutex_trylock(&lock_a), 0);
    assert_int_equal(oak_mutex_trylock(&lock_b), 0);
    oak_mutex_unlock(&lock_a);
    oak_mutex_unlock(&lock_b);
    done(s);
}

static void own_a_scope(void *arg)
{
    struct outcome *o = arg;
    oak_defer(note_deferred, o);
    oak_scope (c) {
        const struct oak_spawn_opts opts = {.name = "child", .scope = c};
        if (oak_spawn_with(&opts, on_nil, &o[1]))
            abort();
    }
    o->first = oak_sleep(OAK_MILLISECOND);
    o->ended = true;
}

static void scope_with_leaked_child(struct scene *s)
{
    go("owner", own_a_scope, &out[0]);
    settle("owner", 1);
    settle("child", 1);
    check_and_reclaim(s);
}

static void a_scopes_owner_goes_on_when_its_child_was_given_back(void **state)
{
    (void)state;
    if (SANITIZED) /* the sanitizer's own memory refers to contexts */
        skip();
    struct scene *s = play_reclaim(scope_with_leaked_child);
    assert_int_equal(oak_leak_count(s->report, OAK_LEAKED), 2);
    assert_int_equal(reclaimed, 1);
    assert_cancelled(1);
    assert_true(out[0].ended);
    assert_int_equal(out[0].first, 0);
    done(s);
}

static void block_in_a_scope(void *arg)
{
    struct outcome *o = arg;
    oak_scope (c) {
        const struct oak_spawn_opts opts = {.name = "child", .scope = c};
        if (oak_spawn_with(&opts, on_nothing, &o[1]))
            abort();
        on_nil(o);
    }
}

static void scope_left_open(struct scene *s)
{
    go("owner", block_in_a_scope, &out[0]);
    settle("owner", 1);
    settle("child", 1);
    check_and_reclaim(s);
}

static void a_scope_that_is_open_on_its_stack_is_left(void **state)
{
    (void)state;
    if (SANITIZED) /* the sanitizer's own memory refers to contexts */
        skip();
    struct scene *s = play_reclaim(scope_left_open);
    assert_int_equal(reclaimed, 2);
    assert_cancelled(0);
    assert_cancelled(1);
    done(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_cycle_gives_back_its_locks),
        cmocka_unit_test(a_scopes_owner_goes_on_when_its_child_was_given_back),
        cmocka_unit_test(a_scope_that_is_open_on_its_stack_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
