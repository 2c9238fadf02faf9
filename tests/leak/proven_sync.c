/* Leaks on locks, wait groups, conditions and semaphores. */
#include "proventest.h"

/* ---- locks ---- */

static void lock_twice(void *arg)
{
    oak_mutex m = {0};
    (void)arg;
    if (oak_mutex_lock(&m) || oak_mutex_lock(&m))
        return;
}

static void self_lock(struct scene *s)
{
    go("self lock", lock_twice, NULL);
    settle("self lock", 1);
    check_now(s);
}

static void a_mutex_locked_twice(void **state)
{
    (void)state;
    struct scene *s = play(self_lock);
    assert_int_equal(proven(s, "self lock"), 1);
    assert_non_null(strstr(first_proven(s, "self lock")->why, "itself"));
    done(s);
}

static oak_mutex a, b;
static _Atomic int both;

static void lock_both(oak_mutex *first, oak_mutex *second)
{
    if (oak_mutex_lock(first))
        return;
    both++;
    while (both != 2)
        oak_yield();
    if (oak_mutex_lock(second))
        return;
}

static void lock_ab(void *arg)
{
    (void)arg;
    lock_both(&a, &b);
}

static void lock_ba(void *arg)
{
    (void)arg;
    lock_both(&b, &a);
}

static void ab_ba(struct scene *s)
{
    go("ab-ba", lock_ab, NULL);
    go("ab-ba", lock_ba, NULL);
    settle("ab-ba", 2);
    check_now(s);
}

static void a_cycle_of_global_mutexes(void **state)
{
    (void)state;
    struct scene *s = play(ab_ba);
    assert_int_equal(proven(s, "ab-ba"), 2);
    assert_non_null(strstr(first_proven(s, "ab-ba")->why, "lock cycle"));
    done(s);
}

static oak_mutex left_locked, *volatile left = &left_locked;

static void lock_and_end(void *arg)
{
    (void)arg;
    if (oak_mutex_lock(left))
        return;
}

static void lock_too(void *arg)
{
    (void)arg;
    if (oak_mutex_lock(left))
        return;
    oak_mutex_unlock(left);
}

static void owner_ended(struct scene *s)
{
    go("careless", lock_and_end, NULL);
    settle("careless", 0);
    go("owner ended", lock_too, NULL);
    settle("owner ended", 1);
    check_now(s);
}

static void a_global_mutex_whose_owner_has_ended(void **state)
{
    (void)state;
    struct scene *s = play(owner_ended);
    assert_int_equal(proven(s, "owner ended"), 1);
    assert_non_null(strstr(first_proven(s, "owner ended")->why, "has ended"));
    done(s);
}

static oak_rwmutex rw;

static void write_lock_and_block(void *arg)
{
    if (oak_rwmutex_lock(&rw))
        return;
    receive_one(arg);
    oak_rwmutex_unlock(&rw);
}

static void read_lock(void *arg)
{
    (void)arg;
    if (oak_rwmutex_rlock(&rw))
        return;
    oak_rwmutex_runlock(&rw);
}

static NOINLINE void block_a_writer(void)
{
    go("writer", write_lock_and_block, raw_of(make()));
    settle("writer", 1);
    go("reader", read_lock, NULL);
    settle("reader", 1);
}

static void leaked_writer(struct scene *s)
{
    block_a_writer();
    check_now(s);
}

static void readers_of_a_lock_whose_writer_is_leaked(void **state)
{
    (void)state;
    struct scene *s = play(leaked_writer);
    assert_int_equal(proven(s, "writer"), 1);
    assert_int_equal(proven(s, "reader"), 1);
    assert_non_null(strstr(first_proven(s, "reader")->why, "which is leaked"));
    done(s);
}

/* ---- wait groups, conditions ---- */

static void wait_group(void *arg)
{
    if (oak_waitgroup_wait(arg))
        return;
}

static void wait_own_group(void *arg)
{
    (void)arg;
    oak_waitgroup wg = {0};
    oak_waitgroup_add(&wg, 1);
    wait_group(&wg);
}

static NOINLINE void forget_done(void)
{
    oak_waitgroup *wg = calloc(1, sizeof *wg);
    if (!wg)
        abort();
    oak_waitgroup_add(wg, 2);
    oak_waitgroup_done(wg);
    go("wait group", wait_group, wg);
    go("wait group", wait_own_group, NULL);
    settle("wait group", 2);
}

static void missing_done(struct scene *s)
{
    forget_done();
    check_now(s);
}

static void a_wait_group_that_nobody_can_finish(void **state)
{
    (void)state;
    assert_proven(missing_done, "wait group", 2);
}

struct guarded {
    oak_mutex mu;
    oak_cond cond;
    oak_sem sem;
};

static void wait_cond(void *arg)
{
    struct guarded *g = arg;
    if (oak_mutex_lock(&g->mu) || oak_cond_wait(&g->cond, &g->mu))
        return;
    oak_mutex_unlock(&g->mu);
}

static void take_sem(void *arg)
{
    struct guarded *g = arg;
    if (oak_sem_acquire(&g->sem, 1))
        return;
}

static NOINLINE void forget_signal(void)
{
    struct guarded *g = calloc(1, sizeof *g);
    if (!g)
        abort();
    go("condition", wait_cond, g);
    go("semaphore", take_sem, g);
    settle("condition", 1);
    settle("semaphore", 1);
}

static void missing_signal(struct scene *s)
{
    forget_signal();
    check_now(s);
}

static void a_condition_and_a_semaphore_that_nobody_knows(void **state)
{
    (void)state;
    struct scene *s = play(missing_signal);
    assert_int_equal(proven(s, "condition"), 1);
    assert_int_equal(proven(s, "semaphore"), 1);
    done(s);
}

int main(void)
{
    const struct CMUnitTest without_references[] = {
        cmocka_unit_test(a_mutex_locked_twice),
        cmocka_unit_test(a_cycle_of_global_mutexes),
        cmocka_unit_test(a_global_mutex_whose_owner_has_ended),
    };
    const struct CMUnitTest by_references[] = {
        cmocka_unit_test(readers_of_a_lock_whose_writer_is_leaked),
        cmocka_unit_test(a_wait_group_that_nobody_can_finish),
        cmocka_unit_test(a_condition_and_a_semaphore_that_nobody_knows),
    };
    int failed = cmocka_run_group_tests(without_references, NULL, NULL);
    return heap_is_known() ? failed + cmocka_run_group_tests(by_references, NULL, NULL) : failed;
}
