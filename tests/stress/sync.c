/*
 * Locks, conditions, semaphores, wait groups and scopes under random cancels and time limits: what they protect stays
 * whole, and nobody is forgotten.
 */
#include "stress.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>

enum { GOROUTINES = 30, OPS = 200, PERMITS = 3 };

struct shared {
    oak_mutex mutex;
    oak_rwmutex rw;
    oak_sem sem;
    oak_cond cond;
    oak_mutex cond_mutex;
    int tickets;  /* under cond_mutex */
    long plain;   /* under mutex: a lost update shows */
    long guarded; /* under rw */
    _Atomic long plain_expected, guarded_expected;
    _Atomic int in_mutex, writers, readers, holders;
};

static int64_t any_limit(uint64_t *random)
{
    return random_below(random, 300) * OAK_MICROSECOND;
}

static void pause_a_little(uint64_t *random)
{
    uint32_t what = random_below(random, 8);
    if (what == 0)
        oak_yield();
    else if (what == 1)
        (void)oak_sleep(random_below(random, 20) * OAK_MICROSECOND);
    else
        spin(random_below(random, 10));
}

static void use_mutex(struct shared *s, uint64_t *random)
{
    int err = random_below(random, 3) ? oak_mutex_lock(&s->mutex)
                                      : oak_mutex_lock_timeout(&s->mutex, any_limit(random));
    if (err) {
        require(err == -ECANCELED || err == -ETIMEDOUT);
        return;
    }
    require(atomic_fetch_add(&s->in_mutex, 1) == 0);
    long seen = s->plain;
    pause_a_little(random);
    s->plain = seen + 1;
    atomic_fetch_add(&s->plain_expected, 1);
    require(atomic_fetch_sub(&s->in_mutex, 1) == 1);
    oak_mutex_unlock(&s->mutex);
}

static void write_guarded(struct shared *s, uint64_t *random)
{
    int err = random_below(random, 3) ? oak_rwmutex_lock(&s->rw)
                                      : oak_rwmutex_lock_timeout(&s->rw, any_limit(random));
    if (err)
        return;
    require(atomic_fetch_add(&s->writers, 1) == 0);
    require(atomic_load(&s->readers) == 0);
    long seen = s->guarded;
    pause_a_little(random);
    s->guarded = seen + 1;
    atomic_fetch_add(&s->guarded_expected, 1);
    require(atomic_fetch_sub(&s->writers, 1) == 1);
    oak_rwmutex_unlock(&s->rw);
}

static void read_guarded(struct shared *s, uint64_t *random)
{
    int err = random_below(random, 3) ? oak_rwmutex_rlock(&s->rw)
                                      : oak_rwmutex_rlock_timeout(&s->rw, any_limit(random));
    if (err)
        return;
    atomic_fetch_add(&s->readers, 1);
    require(atomic_load(&s->writers) == 0);
    long seen = s->guarded;
    pause_a_little(random);
    require(s->guarded == seen);
    atomic_fetch_sub(&s->readers, 1);
    oak_rwmutex_runlock(&s->rw);
}

static void use_semaphore(struct shared *s, uint64_t *random)
{
    int n = 1 + (int)random_below(random, PERMITS);
    int err = random_below(random, 3) ? oak_sem_acquire(&s->sem, n)
                                      : oak_sem_acquire_timeout(&s->sem, n, any_limit(random));
    if (err)
        return;
    require(atomic_fetch_add(&s->holders, n) + n <= PERMITS);
    pause_a_little(random);
    atomic_fetch_sub(&s->holders, n);
    require(oak_sem_release(&s->sem, n) == 0);
}

/* Gives a ticket, or waits for one. Whoever gives up is not to swallow a signal for ever: the round ends with tickets. */
static void use_condition(struct shared *s, uint64_t *random)
{
    if (oak_mutex_lock(&s->cond_mutex))
        return;
    if (random_below(random, 2)) {
        s->tickets++;
        require(oak_cond_signal(&s->cond) == 0);
    } else {
        int err = 0;
        while (s->tickets == 0 && err == 0)
            err = random_below(random, 2) ? oak_cond_wait_timeout(&s->cond, &s->cond_mutex, any_limit(random))
                                          : oak_cond_wait(&s->cond, &s->cond_mutex);
        if (s->tickets > 0)
            s->tickets--;
    }
    oak_mutex_unlock(&s->cond_mutex);
}

static void use_something(struct shared *s, uint64_t *random)
{
    switch (random_below(random, 6)) {
    case 0:
        use_mutex(s, random);
        break;
    case 1:
        write_guarded(s, random);
        break;
    case 2:
    case 3:
        read_guarded(s, random);
        break;
    case 4:
        use_semaphore(s, random);
        break;
    default:
        use_condition(s, random);
        break;
    }
}

OAK_TASK(user, struct shared *, s, uint64_t, seed)
{
    uint64_t random = seed;
    for (int i = 0; i < OPS && oak_ctx_err(oak_ctx_current()) == 0; i++)
        if (random_below(&random, 4) == 0)
            oak_with_timeout (any_limit(&random))
                use_something(s, &random);
        else
            use_something(s, &random);
}

static void *user_thread(void *arg)
{
    uint64_t random = 7;
    for (int i = 0; i < OPS; i++)
        oak_with_timeout (any_limit(&random))
            use_something(arg, &random);
    return NULL;
}

static int round_of_locks(struct stress *st, uint64_t *random)
{
    (void)st;
    static struct shared s;
    memset(&s, 0, sizeof s);
    require(oak_sem_init(&s.sem, PERMITS) == 0);
    pthread_t thread;
    require(pthread_create(&thread, NULL, user_thread, &s) == 0);
    oak_scope (scope, .policy = OAK_SUPERVISE) {
        for (int i = 0; i < GOROUTINES; i++)
            require(oak_go(scope, user, &s, next_random(random)) == 0);
        require(oak_sleep(random_below(random, 10000) * OAK_MICROSECOND) == 0);
        require(oak_scope_cancel(scope, 0) == 0);
    }
    pthread_join(thread, NULL);
    /* Everything is free again, and nothing was lost. */
    require(oak_mutex_trylock(&s.mutex) == 0);
    require(oak_rwmutex_trylock(&s.rw) == 0);
    require(oak_sem_try_acquire(&s.sem, PERMITS) == 0);
    require(s.plain == atomic_load(&s.plain_expected));
    require(s.guarded == atomic_load(&s.guarded_expected));
    oak_mutex_unlock(&s.mutex);
    oak_rwmutex_unlock(&s.rw);
    return 0;
}

static void locks_hold_on_1_p(void **state)
{
    (void)state;
    assert_true(stress(1, round_of_locks));
}

static void locks_hold_on_2_ps(void **state)
{
    (void)state;
    assert_true(stress(2, round_of_locks));
}

static void locks_hold_on_4_ps(void **state)
{
    (void)state;
    assert_true(stress(4, round_of_locks));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locks_hold_on_1_p),
        cmocka_unit_test(locks_hold_on_2_ps),
        cmocka_unit_test(locks_hold_on_4_ps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
