/* The mutex: exclusion, ownership, limits, cancellation, no lost wake-up, no starved waiter. */
#include "../support/goroutine.h"
#include "../support/partner.h"

#include "sched/sched.h"
#include "sync/mutex.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const oak_mutex zero;

static bool idle(const oak_mutex *m)
{
    return memcmp(m, &zero, sizeof zero) == 0;
}

TEST(locks_and_unlocks)
{
    oak_mutex m = {0};
    expect(oak_mutex_lock(&m) == 0);
    expect(oak_mutex_trylock(&m) == -EBUSY);
    expect(oak__self()->held_locks == 1);
    expect(mutex_owner(mutex_of(&m)) == oak_self());
    oak_mutex_unlock(&m);
    expect(oak_mutex_trylock(&m) == 0);
    oak_mutex_unlock(&m);
    expect(oak__self()->held_locks == 0);
    expect(idle(&m));
}

TEST(null_is_refused)
{
    expect(oak_mutex_lock(NULL) == -EINVAL);
    expect(oak_mutex_lock_timeout(NULL, 1) == -EINVAL);
    expect(oak_mutex_trylock(NULL) == -EINVAL);
}

TEST(lock_within_a_limit)
{
    oak_mutex m = {0};
    expect(oak_mutex_lock_timeout(&m, 0) == 0);
    expect(oak_mutex_lock_timeout(&m, 0) == -ETIMEDOUT);
    expect(oak_mutex_lock_timeout(&m, -1) == -ETIMEDOUT);
    expect(oak_mutex_lock_timeout(&m, OAK_MILLISECOND) == -ETIMEDOUT); /* by itself: would wait for ever */
    oak_mutex_unlock(&m);
    expect(idle(&m));
}

/* ---- exclusion ---- */

enum { WORKERS = 8, ROUNDS = 20000 };

struct counter {
    oak_mutex m;
    oak_waitgroup wg;
    long n;
    int yield_every;
};

OAK_TASK(count, struct counter *, c)
{
    for (int i = 0; i < ROUNDS; i++) {
        expect(oak_mutex_lock(&c->m) == 0);
        long n = c->n;
        if (c->yield_every && i % c->yield_every == 0)
            oak_yield();
        c->n = n + 1;
        oak_mutex_unlock(&c->m);
    }
    oak_waitgroup_done(&c->wg);
}

static void *count_in_thread(void *arg)
{
    count(arg);
    return NULL;
}

static void count_all(int yield_every, int threads)
{
    struct counter c = {.yield_every = yield_every};
    pthread_t t[2];
    oak_waitgroup_add(&c.wg, WORKERS + threads);
    for (int i = 0; i < WORKERS; i++)
        expect(oak_go_detached(count, &c) == 0);
    for (int i = 0; i < threads; i++)
        expect(pthread_create(&t[i], NULL, count_in_thread, &c) == 0);
    expect(oak_waitgroup_wait(&c.wg) == 0);
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    expect(c.n == (long)(WORKERS + threads) * ROUNDS);
    expect(idle(&c.m));
}

TEST(goroutines_exclude_each_other)
{
    count_all(0, 0);
}

TEST(goroutines_that_yield_inside_exclude_each_other)
{
    count_all(100, 0);
}

TEST(goroutines_and_threads_exclude_each_other)
{
    count_all(1000, 2);
}

/* A waiter that always finds the mutex taken again is handed it in the end: or this test never ends. */

struct hog {
    oak_mutex m;
    _Atomic bool served;
    oak_waitgroup wg;
};

OAK_TASK(hog, struct hog *, h)
{
    while (!h->served) {
        expect(oak_mutex_lock(&h->m) == 0);
        oak_yield(); /* nobody ever sees it free but by luck */
        oak_mutex_unlock(&h->m);
    }
    oak_waitgroup_done(&h->wg);
}

TEST(waiter_is_not_starved)
{
    struct hog h = {0};
    oak_waitgroup_add(&h.wg, 2);
    expect(oak_go_detached(hog, &h) == 0);
    expect(oak_go_detached(hog, &h) == 0);
    for (int i = 0; i < 20; i++) {
        expect(oak_mutex_lock(&h.m) == 0);
        oak_mutex_unlock(&h.m);
    }
    h.served = true;
    expect(oak_waitgroup_wait(&h.wg) == 0);
    expect(idle(&h.m));
}

/* ---- cancellation ---- */

TEST(lock_fails_under_an_ended_context)
{
    oak_mutex m = {0};
    oak_ctx *c = oak_ctx_new(NULL);
    expect(oak_ctx_cancel(c, 0) == 0);
    oak_with_ctx (c) {
        expect(oak_mutex_lock(&m) == -ECANCELED); /* although it is free: level triggered */
        expect(oak_mutex_trylock(&m) == 0);       /* never blocks: not concerned */
    }
    oak_mutex_unlock(&m);
    oak_ctx_unref(c);
}

TEST(waiting_ends_at_the_deadline)
{
    oak_mutex m = {0};
    expect(oak_mutex_lock(&m) == 0);
    oak_with_timeout (OAK_MILLISECOND)
        expect(oak_mutex_lock(&m) == -ETIMEDOUT);
    oak_mutex_unlock(&m);
    expect(idle(&m));
}

/*
 * Cancel races with unlock. Whoever wins, exactly one of two things has happened: the waiter holds the mutex,
 * or it does not and the mutex can be had by others.
 */
struct race {
    oak_mutex m;
    oak_ctx *c;
    _Atomic int waiting;
    _Atomic int result;
    oak_waitgroup wg;
    long got, cancelled;
};

OAK_TASK(locker, struct race *, r)
{
    oak_with_ctx (r->c) {
        r->waiting++;
        int err = oak_mutex_lock(&r->m);
        if (!err)
            oak_mutex_unlock(&r->m);
        expect(err == 0 || err == -ECANCELED);
        if (!err)
            r->result++;
    }
    oak_waitgroup_done(&r->wg);
}

TEST(cancel_against_unlock_loses_nothing)
{
    long got = 0;
    struct partner p;
    partner_start(&p, cancel_it);
    for (int i = 0; i < PARTNER_ROUNDS; i++) {
        struct race r = {.c = oak_ctx_new(NULL)};
        expect(oak_mutex_lock(&r.m) == 0);
        oak_waitgroup_add(&r.wg, 3);
        for (int k = 0; k < 3; k++)
            expect(oak_go_detached(locker, &r) == 0);
        while (r.waiting < 3)
            oak_yield();
        partner_go(&p, r.c, i);
        oak_mutex_unlock(&r.m);
        expect(oak_mutex_lock(&r.m) == 0); /* or: never ends */
        oak_mutex_unlock(&r.m);
        partner_wait(&p);
        expect(oak_waitgroup_wait(&r.wg) == 0);
        expect(idle(&r.m));
        got += r.result;
        partner_balance(&p, r.result == 0);
        oak_ctx_unref(r.c);
    }
    partner_stop(&p);
    print_message("           locked before the cancel: %ld of %d\n", got, 3 * PARTNER_ROUNDS);
}

TEST(time_limit_against_unlock_loses_nothing)
{
    for (int i = 0; i < 300; i++) {
        struct race r = {.c = NULL};
        expect(oak_mutex_lock(&r.m) == 0);
        oak_waitgroup_add(&r.wg, 1);
        expect(oak_go_detached(locker, &r) == 0);
        int err = oak_mutex_lock_timeout(&r.m, i % 50 * OAK_MICROSECOND);
        expect(err == -ETIMEDOUT);
        oak_mutex_unlock(&r.m);
        expect(oak_waitgroup_wait(&r.wg) == 0);
        expect(idle(&r.m));
    }
}

/* The last user frees the mutex as soon as it has it: nobody may touch it afterwards (ASan would tell). */

struct shared {
    oak_mutex m;
    int users;
};

OAK_TASK(last_one_frees, struct shared *, s, oak_waitgroup *, wg)
{
    expect(oak_mutex_lock(&s->m) == 0);
    bool last = --s->users == 0;
    oak_mutex_unlock(&s->m);
    if (last) {
        memset(s, 0x55, sizeof *s);
        free(s);
    }
    oak_waitgroup_done(wg);
}

TEST(may_be_freed_by_the_last_user)
{
    for (int i = 0; i < 2000; i++) {
        struct shared *s = calloc(1, sizeof *s);
        oak_waitgroup wg = {0};
        s->users = 4;
        oak_waitgroup_add(&wg, 4);
        for (int k = 0; k < 4; k++)
            expect(oak_go_detached(last_one_frees, s, &wg) == 0);
        expect(oak_waitgroup_wait(&wg) == 0);
    }
}

/* ---- ownership ---- */

static oak_mutex owned;

static void unlock_it(void *m)
{
    oak_mutex_unlock(m);
}

TEST(unlock_of_an_unlocked_one_panics)
{
    struct oak_panic_info p;
    oak_mutex m = {0};
    expect(oak_recover(unlock_it, &m, &p) == -ENOTRECOVERABLE);
    expect(strstr(p.message, "unlock of unlocked mutex 0x"));
    expect(strstr(p.message, "(called from 0x"));
    expect(p.site != NULL && p.goroutine == oak_self());
    expect(oak_recover(unlock_it, NULL, &p) == -ENOTRECOVERABLE);
    expect(strstr(p.message, "unlock of a NULL mutex"));
    expect(idle(&m));
}

OAK_TASK(unlock_anothers, uint64_t, owner, oak_waitgroup *, wg)
{
    struct oak_panic_info p;
    char text[64];
    snprintf(text, sizeof text, "which goroutine %llu holds", (unsigned long long)owner);
    expect(oak_recover(unlock_it, &owned, &p) == -ENOTRECOVERABLE);
    expect(strstr(p.message, text));
    oak_waitgroup_done(wg);
}

TEST(unlock_by_another_goroutine_panics)
{
    oak_waitgroup wg = {0};
    expect(oak_mutex_lock(&owned) == 0);
    oak_waitgroup_add(&wg, 1);
    expect(oak_go_detached(unlock_anothers, oak_self(), &wg) == 0);
    expect(oak_waitgroup_wait(&wg) == 0);
    expect(oak_mutex_trylock(&owned) == -EBUSY);
    oak_mutex_unlock(&owned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locks_and_unlocks),
        cmocka_unit_test(null_is_refused),
        cmocka_unit_test(lock_within_a_limit),
        cmocka_unit_test(goroutines_exclude_each_other),
        cmocka_unit_test(goroutines_that_yield_inside_exclude_each_other),
        cmocka_unit_test(goroutines_and_threads_exclude_each_other),
        cmocka_unit_test(waiter_is_not_starved),
        cmocka_unit_test(lock_fails_under_an_ended_context),
        cmocka_unit_test(waiting_ends_at_the_deadline),
        cmocka_unit_test(cancel_against_unlock_loses_nothing),
        cmocka_unit_test(time_limit_against_unlock_loses_nothing),
        cmocka_unit_test(may_be_freed_by_the_last_user),
        cmocka_unit_test(unlock_of_an_unlocked_one_panics),
        cmocka_unit_test(unlock_by_another_goroutine_panics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
