/* Reclaim: a goroutine that is proven leaked is cancelled, whatever it waits for, in whatever context. */
#include "reclaimtest.h"

/* ---- each kind of wait ---- */

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
enum { KINDS = SANITIZED ? 4 : countof(kinds) };

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_wait),
        cmocka_unit_test(outside_of_each_block_too_and_contexts_are_not_ended),
        cmocka_unit_test(a_shield_still_shields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
