/* include/oakum/sync.h with bad input. */
#include "bad.h"

static const int64_t not_positive[] = {0, -1, INT64_MIN};

/* ---- mutex ---- */

CALL(unlock_null, oak_mutex_unlock(NULL))
CALL(unlock, oak_mutex_unlock(arg))

static void unlock_not_mine(void *mu)
{
    expect_panic(unlock, mu, "which goroutine");
}

typedef void function(void *);

OAK_TASK(elsewhere, function *, fn, void *, arg)
{
    fn(arg);
}

/* Runs fn(arg) in another goroutine. */
static void do_elsewhere(function *fn, void *arg)
{
    oak_scope (s)
        expect(oak_go(s, elsewhere, fn, arg) == 0);
}

BOTH(mutexes)
{
    oak_mutex mu = {0};
    expect(oak_mutex_lock(NULL) == -EINVAL && oak_mutex_trylock(NULL) == -EINVAL);
    for (size_t i = 0; i < countof(absurd_past); i++)
        expect(oak_mutex_lock_timeout(NULL, absurd_past[i]) == -EINVAL);
    expect_panic(unlock_null, NULL, "NULL mutex");
    expect_panic(unlock, &mu, "unlock of unlocked mutex");
    expect(oak_mutex_lock(&mu) == 0 && oak_mutex_trylock(&mu) == -EBUSY);
    for (size_t i = 0; i < countof(absurd_past); i++)
        expect(oak_mutex_lock_timeout(&mu, absurd_past[i]) == -ETIMEDOUT);
    do_elsewhere(unlock_not_mine, &mu);
    expect(oak_mutex_trylock(&mu) == -EBUSY);
    oak_mutex_unlock(&mu);
    expect_panic(unlock, &mu, "unlock of unlocked mutex");
}

/* ---- read-write mutex ---- */

CALL(rw_unlock_null, oak_rwmutex_unlock(NULL))
CALL(rw_unlock, oak_rwmutex_unlock(arg))
CALL(rw_runlock_null, oak_rwmutex_runlock(NULL))
CALL(rw_runlock, oak_rwmutex_runlock(arg))

static void rw_unlock_not_mine(void *mu)
{
    expect_panic(rw_unlock, mu, "which goroutine");
    expect_panic(rw_runlock, mu, "no reader holds");
}

static void rw_runlock_not_mine(void *mu)
{
    expect_panic(rw_runlock, mu, "others hold");
    expect_panic(rw_unlock, mu, "no writer holds");
}

BOTH(read_write_mutexes)
{
    oak_rwmutex mu = {0};
    expect(oak_rwmutex_lock(NULL) == -EINVAL && oak_rwmutex_rlock(NULL) == -EINVAL);
    expect(oak_rwmutex_trylock(NULL) == -EINVAL && oak_rwmutex_tryrlock(NULL) == -EINVAL);
    expect(oak_rwmutex_lock_timeout(NULL, 1) == -EINVAL && oak_rwmutex_rlock_timeout(NULL, 1) == -EINVAL);
    expect_panic(rw_unlock_null, NULL, "NULL rwmutex");
    expect_panic(rw_runlock_null, NULL, "NULL rwmutex");
    expect_panic(rw_unlock, &mu, "no writer holds");
    expect_panic(rw_runlock, &mu, "no reader holds");

    expect(oak_rwmutex_lock(&mu) == 0);
    for (size_t i = 0; i < countof(absurd_past); i++) {
        expect(oak_rwmutex_lock_timeout(&mu, absurd_past[i]) == -ETIMEDOUT);
        expect(oak_rwmutex_rlock_timeout(&mu, absurd_past[i]) == -ETIMEDOUT);
    }
    expect_panic(rw_runlock, &mu, "no reader holds");
    do_elsewhere(rw_unlock_not_mine, &mu);
    oak_rwmutex_unlock(&mu);

    expect(oak_rwmutex_rlock(&mu) == 0 && oak_rwmutex_trylock(&mu) == -EBUSY);
    expect_panic(rw_unlock, &mu, "no writer holds");
    do_elsewhere(rw_runlock_not_mine, &mu);
    oak_rwmutex_runlock(&mu);
    expect_panic(rw_runlock, &mu, "no reader holds");
    expect(oak_rwmutex_trylock(&mu) == 0);
    oak_rwmutex_unlock(&mu);
}

/* ---- condition ---- */

static oak_cond cond;

CALL(cond_wait, (void)!oak_cond_wait(&cond, arg))
CALL(cond_wait_timeout, (void)!oak_cond_wait_timeout(&cond, arg, 1))

static void cond_wait_not_mine(void *mu)
{
    expect_panic(cond_wait, mu, "does not hold");
    expect_panic(cond_wait_timeout, mu, "does not hold");
}

BOTH(conditions)
{
    oak_mutex mu = {0};
    expect(oak_cond_wait(NULL, &mu) == -EINVAL && oak_cond_wait(&cond, NULL) == -EINVAL);
    expect(oak_cond_wait_timeout(NULL, NULL, 1) == -EINVAL);
    expect(oak_cond_signal(NULL) == -EINVAL && oak_cond_broadcast(NULL) == -EINVAL);
    expect_panic(cond_wait, &mu, "does not hold");
    expect_panic(cond_wait_timeout, &mu, "does not hold");
    expect(oak_mutex_lock(&mu) == 0);
    do_elsewhere(cond_wait_not_mine, &mu);
    for (size_t i = 0; i < countof(absurd_past); i++)
        expect(oak_cond_wait_timeout(&cond, &mu, absurd_past[i]) == -ETIMEDOUT);
    expect(oak_cond_signal(&cond) == 0 && oak_cond_broadcast(&cond) == 0);
    oak_mutex_unlock(&mu);
}

/* ---- wait group, once, semaphore ---- */

CALL(add_null, oak_waitgroup_add(NULL, 1))
CALL(done_null, oak_waitgroup_done(NULL))
CALL(add_negative, oak_waitgroup_add(arg, -1))
CALL(add_very_negative, oak_waitgroup_add(arg, INT32_MIN))
CALL(done, oak_waitgroup_done(arg))

BOTH(wait_groups)
{
    oak_waitgroup wg = {0};
    expect(oak_waitgroup_wait(NULL) == -EINVAL && oak_waitgroup_wait_timeout(NULL, 1) == -EINVAL);
    expect_panic(add_null, NULL, "NULL wait group");
    expect_panic(done_null, NULL, "NULL wait group");
    expect_panic(add_negative, &wg, "negative count -1");
    expect_panic(done, &wg, "negative count -1");
    expect_panic(add_very_negative, &wg, "negative count");
    expect(oak_waitgroup_wait(&wg) == 0);
    for (int i = 0; i < 3; i++)
        oak_waitgroup_add(&wg, INT32_MAX);
    for (size_t i = 0; i < countof(absurd_past); i++)
        expect(oak_waitgroup_wait_timeout(&wg, absurd_past[i]) == -ETIMEDOUT);
    for (int i = 0; i < 3; i++)
        oak_waitgroup_add(&wg, -INT32_MAX);
    expect(oak_waitgroup_wait_timeout(&wg, -1) == 0);
}

static void once_again(void *o)
{
    expect(oak_once_do(o, once_again, o) == -EDEADLK);
}

BOTH(onces)
{
    oak_once o = {0};
    expect(oak_once_do(NULL, never_called, NULL) == -EINVAL && oak_once_do(&o, NULL, NULL) == -EINVAL);
    expect(oak_once_do(&o, once_again, &o) == 0);
    expect(oak_once_do(&o, never_called, NULL) == 0 && oak_once_do(&o, NULL, NULL) == -EINVAL);
}

BOTH(semaphores)
{
    oak_sem s = OAK_SEM_INIT(1);
    expect(oak_sem_init(NULL, 1) == -EINVAL && oak_sem_init(&s, -1) == -EINVAL &&
           oak_sem_init(&s, INT64_MIN) == -EINVAL);
    expect(oak_sem_acquire(NULL, 1) == -EINVAL && oak_sem_acquire_timeout(NULL, 1, 1) == -EINVAL);
    expect(oak_sem_try_acquire(NULL, 1) == -EINVAL && oak_sem_release(NULL, 1) == -EINVAL);
    for (size_t i = 0; i < countof(not_positive); i++) {
        const int64_t n = not_positive[i];
        expect(oak_sem_acquire(&s, n) == -EINVAL && oak_sem_acquire_timeout(&s, n, 1) == -EINVAL);
        expect(oak_sem_try_acquire(&s, n) == -EINVAL && oak_sem_release(&s, n) == -EINVAL);
    }
    expect(oak_sem_release(&s, INT64_MAX) == -EOVERFLOW);
    expect(oak_sem_try_acquire(&s, INT64_MAX) == -EAGAIN);
    for (size_t i = 0; i < countof(absurd_past); i++)
        expect(oak_sem_acquire_timeout(&s, 2, absurd_past[i]) == -ETIMEDOUT);
    expect(oak_sem_try_acquire(&s, 1) == 0 && oak_sem_try_acquire(&s, 1) == -EAGAIN);
    expect(oak_sem_init(&s, INT64_MAX) == 0 && oak_sem_release(&s, 1) == -EOVERFLOW);
    expect(oak_sem_acquire(&s, INT64_MAX) == 0);
}

/* ---- error group ---- */

static int fine(void *arg)
{
    (void)arg;
    return 0;
}

static void use_group(oak_errgroup *g)
{
    expect(oak_errgroup_go(g, fine, NULL) == -EINVAL && oak_errgroup_ctx(g) == NULL);
    expect(oak_errgroup_wait(g) == -EINVAL);
}

BOTH(error_groups)
{
    struct strangers s;
    use_group(NULL);
    strangers_begin(&s);
    each_stranger_but(s, GROUP, i) use_group(s.at[i]);
    expect(oak_errgroup_go(s.at[GROUP], NULL, NULL) == -EINVAL);
    strangers_end(&s);
    if (!SANITIZER_TELLS)
        use_group(s.at[GROUP]);
}

static int member(void *arg)
{
    return oak_recv((oak_chan(int))(uintptr_t)arg, NULL);
}

static void wait_for_group(void *g)
{
    expect(oak_errgroup_wait(g) == 0);
}

BOTH(one_waits_for_an_error_group)
{
    oak_errgroup *g = oak_errgroup_new(UINT32_MAX);
    oak_chan(int) ch = oak_make(int, 0);
    expect(g && oak_errgroup_ctx(g) && oak_errgroup_go(g, member, (void *)(uintptr_t)ch) == 0);
    oak_scope (s) {
        expect(oak_go(s, elsewhere, wait_for_group, g) == 0);
        wait_until(how_many_wait(OAK_WAIT_WAITGROUP) == 1);
        expect(oak_errgroup_wait(g) == -EINVAL);
        expect(oak_send(ch, 1) == 0);
    }
    expect(oak_chan_free(ch) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutexes),      cmocka_unit_test(read_write_mutexes),
        cmocka_unit_test(conditions),   cmocka_unit_test(wait_groups),
        cmocka_unit_test(onces),        cmocka_unit_test(semaphores),
        cmocka_unit_test(error_groups), cmocka_unit_test(one_waits_for_an_error_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
