/* Reclaim: a goroutine that is proven leaked is cancelled, alone and for good; nothing else is touched. */
#include "leaktest.h"

#include <oakum/verify.h>

/* What the goroutines of a scene report. Not their objects: those must not be reached. */
enum { MOST = 64 };
static struct outcome {
    _Atomic int first, second; /* what the blocking call and a later one returned */
    _Atomic bool ended, deferred;
} out[MOST];

static void note_deferred(void *arg)
{
    ((struct outcome *)arg)->deferred = true;
}

/* A later blocking call that would not have to wait for anything but time. */
static void call_again(struct outcome *o)
{
    o->second = oak_sleep(OAK_HOUR);
    o->ended = true;
}

static void assert_cancelled(int i)
{
    assert_int_equal(out[i].first, -ECANCELED);
    assert_int_equal(out[i].second, -ECANCELED);
    assert_true(out[i].deferred);
    assert_true(out[i].ended);
}

static void wait_for_ends(void)
{
    if (oak_leak_verify_none(&(struct oak_leak_verify_opts){.grace = OAK_MINUTE}))
        abort();
}

static int64_t reclaimed;

/* Checks, gives all back and waits until they have ended. */
static void check_and_reclaim(struct scene *s)
{
    check_now(s);
    if (s->err)
        return;
    reclaimed = oak_leak_reclaim(s->report, NULL, NULL);
    wait_for_ends();
}

static struct scene *play_reclaim(void (*fn)(struct scene *s))
{
    memset(out, 0, sizeof out);
    reclaimed = -1;
    return play(fn);
}

/* ---- each kind of wait ---- */

static void on_nil(void *arg)
{
    struct outcome *o = arg;
    oak_defer(note_deferred, o);
    o->first = oak_recv((oak_chan(int))NULL, &(int){0});
    call_again(o);
}

static void on_send(void *arg)
{
    struct outcome *o = arg;
    oak_chan(int) ch = oak_make(int, 0);
    oak_defer(note_deferred, o);
    o->first = oak_send(ch, 1);
    call_again(o);
    oak_chan_free(ch);
}

static void on_recv(void *arg)
{
    struct outcome *o = arg;
    oak_chan(int) ch = oak_make(int, 3);
    oak_defer(note_deferred, o);
    o->first = oak_recv(ch, &(int){0});
    call_again(o);
    oak_chan_free(ch);
}

static void on_select(void *arg)
{
    struct outcome *o = arg;
    oak_chan(int) a = oak_make(int, 0), b = oak_make(int, 0);
    int v = 0;
    oak_defer(note_deferred, o);
    o->first = oak_select(oak_on_recv(a, &v), oak_on_send(b, v));
    call_again(o);
    oak_chan_free(a);
    oak_chan_free(b);
}

static void on_nothing(void *arg)
{
    struct outcome *o = arg;
    oak_defer(note_deferred, o);
    o->first = oak_select_n(NULL, 0);
    call_again(o);
}

static void on_own_lock(void *arg)
{
    struct outcome *o = arg;
    oak_mutex m = {0};
    oak_defer(note_deferred, o);
    if (oak_mutex_lock(&m))
        abort();
    o->first = oak_mutex_lock(&m);
    oak_mutex_unlock(&m);
    call_again(o);
}

static void on_own_rwlock(void *arg)
{
    struct outcome *o = arg;
    oak_rwmutex m = {0};
    oak_defer(note_deferred, o);
    if (oak_rwmutex_lock(&m))
        abort();
    o->first = oak_rwmutex_rlock(&m);
    oak_rwmutex_unlock(&m);
    call_again(o);
}

static void on_cond(void *arg)
{
    struct outcome *o = arg;
    oak_mutex m = {0};
    oak_cond c = {0};
    oak_defer(note_deferred, o);
    if (oak_mutex_lock(&m))
        abort();
    o->first = oak_cond_wait(&c, &m);
    oak_mutex_unlock(&m); /* panics unless the lock has been taken back */
    call_again(o);
}

static void on_waitgroup(void *arg)
{
    struct outcome *o = arg;
    oak_waitgroup wg = {0};
    oak_defer(note_deferred, o);
    oak_waitgroup_add(&wg, 1);
    o->first = oak_waitgroup_wait(&wg);
    oak_waitgroup_done(&wg);
    call_again(o);
}

static void on_semaphore(void *arg)
{
    struct outcome *o = arg;
    oak_sem sem = OAK_SEM_INIT(0);
    oak_defer(note_deferred, o);
    o->first = oak_sem_acquire(&sem, 1);
    call_again(o);
}

/* What is proven under a sanitizer, too, comes first. */
static void (*const kinds[])(void *) = {on_nil,  on_nothing, on_own_lock, on_own_rwlock, on_send,
                                        on_recv, on_select,  on_cond,     on_waitgroup,  on_semaphore};
enum { SANITIZED = OAK_ASAN || OAK_TSAN, KINDS = SANITIZED ? 4 : countof(kinds) };

static void one_of_each(struct scene *s)
{
    for (size_t i = 0; i < KINDS; i++)
        go("each", kinds[i], &out[i]);
    settle("each", KINDS);
    check_and_reclaim(s);
}

static void every_kind_of_wait(void **state)
{
    (void)state;
    struct scene *s = play_reclaim(one_of_each);
    assert_int_equal(proven(s, "each"), KINDS);
    assert_int_equal(reclaimed, KINDS);
    for (size_t i = 0; i < KINDS; i++)
        assert_cancelled((int)i);
    done(s);
}

/* ---- contexts ---- */

static int key;
static void *values[2];

static void in_blocks(void *arg)
{
    struct outcome *o = arg;
    oak_ctx *outer = oak_ctx_with_value(NULL, &key, &key), *inner = oak_ctx_new(outer);
    oak_defer(note_deferred, o);
    oak_with_ctx (outer) {
        oak_with_ctx (inner) {
            o->first = oak_recv((oak_chan(int))NULL, &(int){0});
            values[0] = oak_ctx_value(oak_ctx_current(), &key);
        }
        o->second = oak_sleep(OAK_HOUR);
        values[1] = oak_ctx_value(oak_ctx_current(), &key);
    }
    if (o->second == -ECANCELED && oak_ctx_err(inner) == 0 && oak_ctx_err(outer) == 0)
        call_again(o);
    oak_ctx_unref(inner);
    oak_ctx_unref(outer);
}

static void with_contexts(struct scene *s)
{
    go("blocks", in_blocks, &out[0]);
    settle("blocks", 1);
    check_and_reclaim(s);
}

static void outside_of_each_block_too_and_contexts_are_not_ended(void **state)
{
    (void)state;
    if (SANITIZED) /* the sanitizer's own memory refers to contexts */
        skip();
    struct scene *s = play_reclaim(with_contexts);
    assert_int_equal(reclaimed, 1);
    assert_cancelled(0);
    assert_ptr_equal(values[0], &key);
    assert_ptr_equal(values[1], &key);
    done(s);
}

static int shielded;

static void clean_up(void *arg)
{
    (void)arg;
    oak_shield (OAK_MINUTE)
        shielded = oak_sleep(OAK_MILLISECOND);
}

static void with_clean_up(void *arg)
{
    oak_defer(clean_up, NULL);
    on_nil(arg);
}

static void shield(struct scene *s)
{
    shielded = -1;
    go("shield", with_clean_up, &out[0]);
    settle("shield", 1);
    check_and_reclaim(s);
}

static void a_shield_still_shields(void **state)
{
    (void)state;
    struct scene *s = play_reclaim(shield);
    assert_cancelled(0);
    assert_int_equal(shielded, 0);
    done(s);
}

/* ---- several ---- */

static oak_mutex lock_a, lock_b;

static void unlock(void *m)
{
    oak_mutex_unlock(m);
}

static void lock_both(struct outcome *o, oak_mutex *first, oak_mutex *second)
{
    oak_defer(note_deferred, o);
    if (oak_mutex_lock(first))
        abort();
    oak_defer(unlock, first);
    (void)!oak_sleep(20 * OAK_MILLISECOND);
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

static bool both_locked(void)
{
    if (oak_mutex_trylock(&lock_a) == 0) {
        oak_mutex_unlock(&lock_a);
        return false;
    }
    if (oak_mutex_trylock(&lock_b) == 0) {
        oak_mutex_unlock(&lock_b);
        return false;
    }
    return true;
}

static void deadlock(struct scene *s)
{
    go("ab", lock_ab, &out[0]);
    go("ba", lock_ba, &out[1]);
    while (!both_locked())
        oak_yield();
    settle("ab", 1);
    settle("ba", 1);
    /* Waiting for the lock, not asleep. */
    for (int i = 0; i < 1000 && !s->report; i++) {
        check_now(s);
        if (!s->err && oak_leak_count(s->report, OAK_LEAKED) < 2) {
            oak_leak_report_free(s->report);
            s->report = NULL;
            (void)!oak_sleep(OAK_MILLISECOND);
        }
    }
    reclaimed = oak_leak_reclaim(s->report, NULL, NULL);
    wait_for_ends();
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

/* ---- who is touched ---- */

static bool is_chosen(const struct oak_leak *l, void *arg)
{
    return l->g.name && strcmp(l->g.name, arg) == 0;
}

static int64_t then;

static void choose(struct scene *s)
{
    go("this", on_nil, &out[0]);
    go("that", on_nil, &out[1]);
    settle("this", 1);
    settle("that", 1);
    check_now(s);
    reclaimed = oak_leak_reclaim(s->report, is_chosen, (char[]){"this"});
    while (!out[0].ended)
        oak_yield();
    then = out[1].ended ? -1 : oak_leak_reclaim(s->report, NULL, NULL);
    wait_for_ends();
}

static void only_those_chosen_and_each_once(void **state)
{
    (void)state;
    struct scene *s = play_reclaim(choose);
    assert_int_equal(reclaimed, 1);
    assert_int_equal(then, 1);
    assert_cancelled(0);
    assert_cancelled(1);
    assert_int_equal(oak_leak_reclaim(s->report, NULL, NULL), 0);
    done(s);
}

/* Hidden from the proof: what no program does. So the goroutine goes on although it was proven. */
static uintptr_t hidden;

static void on_hidden(void *arg)
{
    struct outcome *o = arg;
    oak_chan(int) ch = oak_make(int, 0);
    hidden = ~(uintptr_t)ch;
    o->first = oak_recv(ch, &(int){0});
    o->second = oak_recv((oak_chan(int))NULL, &(int){0});
    o->ended = true;
}

static void go_on(struct scene *s)
{
    go("hidden", on_hidden, &out[0]);
    settle("hidden", 1);
    check_now(s);
    oak_chan_close((oak_chan(int)) ~hidden);
    settle("hidden", 1);
    reclaimed = oak_leak_reclaim(s->report, NULL, NULL);
    oak_leak_report *again;
    if (oak_leak_check(NULL, &again))
        abort();
    then = oak_leak_reclaim(again, NULL, NULL);
    oak_leak_report_free(again);
    wait_for_ends();
}

static void not_one_that_has_gone_on_to_another_wait(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    struct scene *s = play_reclaim(go_on);
    assert_int_equal(proven(s, "hidden"), 1);
    assert_int_equal(reclaimed, 0);
    assert_int_equal(out[0].first, -EPIPE);
    assert_int_equal(then, 1);
    assert_int_equal(out[0].second, -ECANCELED);
    done(s);
}

static oak_chan(int) gate;

static void at_gate(void *arg)
{
    ((struct outcome *)arg)->first = oak_recv(gate, &(int){0});
}

static void with_a_live_one(struct scene *s)
{
    gate = oak_make(int, 0);
    out[1].first = 1;
    go("leaked", on_nil, &out[0]);
    go("live", at_gate, &out[1]);
    settle("leaked", 1);
    settle("live", 1);
    const struct oak_leak_opts opts = {.suspect_after = 1};
    s->err = oak_leak_check(&opts, &s->report);
    reclaimed = oak_leak_reclaim(s->report, NULL, NULL);
    while (!out[0].ended)
        oak_yield();
    then = out[1].first;
    oak_chan_close(gate);
    wait_for_ends();
}

static void no_suspects(void **state)
{
    (void)state;
    struct scene *s = play_reclaim(with_a_live_one);
    assert_int_equal(reclaimed, 1);
    assert_int_equal(then, 1);
    assert_int_equal(out[1].first, -EPIPE);
    done(s);
}

static void no_report(void **state)
{
    (void)state;
    assert_int_equal(oak_leak_reclaim(NULL, NULL, NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_wait),
        cmocka_unit_test(outside_of_each_block_too_and_contexts_are_not_ended),
        cmocka_unit_test(a_shield_still_shields),
        cmocka_unit_test(a_lock_cycle_gives_back_its_locks),
        cmocka_unit_test(a_scopes_owner_goes_on_when_its_child_was_given_back),
        cmocka_unit_test(a_scope_that_is_open_on_its_stack_is_left),
        cmocka_unit_test(only_those_chosen_and_each_once),
        cmocka_unit_test(not_one_that_has_gone_on_to_another_wait),
        cmocka_unit_test(no_suspects),
        cmocka_unit_test(no_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
