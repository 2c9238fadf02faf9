/* The wait group: zero wakes all, rounds, misuse, cancellation. */
#include "../support/goroutine.h"
#include "../support/partner.h"

#include "sync/waitq.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const oak_waitgroup zero;

static bool idle(const oak_waitgroup *wg)
{
    return memcmp(wg, &zero, sizeof zero) == 0;
}

TEST(wait_returns_at_once_when_nothing_was_added)
{
    oak_waitgroup wg = {0};
    expect(oak_waitgroup_wait(&wg) == 0);
    oak_waitgroup_add(&wg, 3);
    oak_waitgroup_add(&wg, -2);
    oak_waitgroup_add(&wg, 0);
    expect(oak_waitgroup_wait_timeout(&wg, 0) == -ETIMEDOUT);
    oak_waitgroup_done(&wg);
    expect(oak_waitgroup_wait_timeout(&wg, 0) == 0);
    expect(oak_waitgroup_wait(&wg) == 0);
    expect(idle(&wg));
}

struct scene {
    oak_waitgroup jobs, ended;
    oak_ctx *c;
    _Atomic int finished, about_to_wait, woken, cancelled;
};

OAK_TASK(job, struct scene *, s)
{
    oak_yield();
    s->finished++;
    oak_waitgroup_done(&s->jobs);
    oak_waitgroup_done(&s->ended);
}

OAK_TASK(waiter, struct scene *, s, int, expected)
{
    oak_with_ctx (s->c) {
        s->about_to_wait++;
        int err = oak_waitgroup_wait(&s->jobs);
        if (err) {
            expect(err == -ECANCELED);
            s->cancelled++;
        } else {
            expect(s->finished >= expected);
            s->woken++;
        }
    }
    oak_waitgroup_done(&s->ended);
}

TEST(all_waiters_wake_when_the_last_is_done_round_after_round)
{
    struct scene s = {0};
    for (int round = 1; round <= 500; round++) {
        oak_waitgroup_add(&s.jobs, 8);
        oak_waitgroup_add(&s.ended, 12);
        for (int i = 0; i < 4; i++)
            expect(oak_go_detached(waiter, &s, round * 8) == 0);
        for (int i = 0; i < 8; i++)
            expect(oak_go_detached(job, &s) == 0);
        expect(oak_waitgroup_wait(&s.jobs) == 0);
        expect(s.finished == round * 8);
        expect(oak_waitgroup_wait(&s.ended) == 0);
        expect(s.woken == round * 4);
    }
    expect(idle(&s.jobs));
}

static int queue_length(oak_waitgroup *wg)
{
    struct {
        uint64_t state;
        oak__lock lock;
        struct oak__link queue;
    } *in = (void *)wg;
    int n = 0;
    oak__enter();
    lock(&in->lock);
    for (struct oak__link *l = in->queue.next; l && l != &in->queue; l = l->next)
        n++;
    unlock(&in->lock);
    oak__exit();
    return n;
}

/* Who brings the count to zero adds again at once: those who waited for the old round wake all the same. */
TEST(new_round_does_not_hold_back_waiters_of_the_old_one)
{
    for (int i = 0; i < 500; i++) {
        struct scene s = {0};
        oak_waitgroup_add(&s.jobs, 1);
        oak_waitgroup_add(&s.ended, 3);
        for (int k = 0; k < 3; k++)
            expect(oak_go_detached(waiter, &s, 0) == 0);
        wait_until(queue_length(&s.jobs) == 3);
        oak_waitgroup_done(&s.jobs);
        oak_waitgroup_add(&s.jobs, 1);
        wait_until(s.woken == 3);
        oak_waitgroup_done(&s.jobs);
        expect(oak_waitgroup_wait(&s.ended) == 0);
        expect(idle(&s.jobs));
    }
}

TEST(cancel_against_done_leaves_nobody_waiting)
{
    int cancelled = 0;
    struct partner p;
    partner_start(&p, cancel_it);
    for (int i = 0; i < PARTNER_ROUNDS; i++) {
        struct scene s = {.c = oak_ctx_new(NULL)};
        oak_waitgroup_add(&s.jobs, 1);
        oak_waitgroup_add(&s.ended, 3);
        for (int k = 0; k < 3; k++)
            expect(oak_go_detached(waiter, &s, 0) == 0);
        while (s.about_to_wait < 3)
            oak_yield();
        partner_go(&p, s.c, i);
        oak_waitgroup_done(&s.jobs);
        partner_wait(&p);
        expect(oak_waitgroup_wait(&s.jobs) == 0);
        expect(oak_waitgroup_wait(&s.ended) == 0);
        expect(s.cancelled + s.woken == 3);
        expect(idle(&s.jobs));
        cancelled += s.cancelled;
        partner_balance(&p, s.cancelled != 0);
        oak_ctx_unref(s.c);
    }
    partner_stop(&p);
    print_message("           cancelled before zero: %d of %d\n", cancelled, 3 * PARTNER_ROUNDS);
}

/* On the heap, freed as soon as the wait returns: the done that woke it may not touch it afterwards. */
OAK_TASK(done_on_heap, oak_waitgroup *, wg)
{
    oak_waitgroup_done(wg);
}

TEST(may_be_freed_when_the_wait_returns)
{
    for (int i = 0; i < 3000; i++) {
        oak_waitgroup *wg = calloc(1, sizeof *wg);
        oak_waitgroup_add(wg, 2);
        expect(oak_go_detached(done_on_heap, wg) == 0);
        expect(oak_go_detached(done_on_heap, wg) == 0);
        if (i % 3)
            oak_yield();
        expect(oak_waitgroup_wait(wg) == 0);
        memset(wg, 0x55, sizeof *wg);
        free(wg);
    }
}

/* ---- plain threads ---- */

static void *thread_done(void *wg)
{
    oak_waitgroup_done(wg);
    return NULL;
}

static void *thread_wait(void *wg)
{
    return (void *)(intptr_t)oak_waitgroup_wait(wg);
}

TEST(threads_wait_and_are_waited_for)
{
    for (int i = 0; i < 50; i++) {
        oak_waitgroup wg = {0};
        pthread_t t[4];
        void *result;
        oak_waitgroup_add(&wg, 3);
        expect(pthread_create(&t[0], NULL, thread_wait, &wg) == 0);
        for (int k = 1; k < 4; k++)
            expect(pthread_create(&t[k], NULL, thread_done, &wg) == 0);
        expect(oak_waitgroup_wait(&wg) == 0);
        for (int k = 0; k < 4; k++) {
            pthread_join(t[k], &result);
            expect(result == NULL);
        }
    }
}

/* ---- misuse ---- */

static void add_minus_two(void *wg)
{
    oak_waitgroup_add(wg, -2);
}

static void done(void *wg)
{
    oak_waitgroup_done(wg);
}

TEST(negative_count_panics_and_changes_nothing)
{
    oak_waitgroup wg = {0};
    struct oak_panic_info p;
    oak_waitgroup_add(&wg, 1);
    expect(oak_recover(add_minus_two, &wg, &p) == -ENOTRECOVERABLE);
    expect(strstr(p.message, "negative count -1 of wait group 0x"));
    expect(strstr(p.message, "(called from 0x"));
    oak_waitgroup_done(&wg);
    expect(oak_recover(done, &wg, &p) == -ENOTRECOVERABLE);
    expect(strstr(p.message, "negative count -1 of wait group 0x"));
    expect(idle(&wg));
}

TEST(null_is_refused)
{
    struct oak_panic_info p;
    expect(oak_waitgroup_wait(NULL) == -EINVAL);
    expect(oak_waitgroup_wait_timeout(NULL, 1) == -EINVAL);
    expect(oak_recover(done, NULL, &p) == -ENOTRECOVERABLE);
    expect(strstr(p.message, "NULL wait group"));
    expect(oak_recover(add_minus_two, NULL, &p) == -ENOTRECOVERABLE);
    expect(strstr(p.message, "NULL wait group"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_returns_at_once_when_nothing_was_added),
        cmocka_unit_test(all_waiters_wake_when_the_last_is_done_round_after_round),
        cmocka_unit_test(new_round_does_not_hold_back_waiters_of_the_old_one),
        cmocka_unit_test(cancel_against_done_leaves_nobody_waiting),
        cmocka_unit_test(may_be_freed_when_the_wait_returns),
        cmocka_unit_test(threads_wait_and_are_waited_for),
        cmocka_unit_test(negative_count_panics_and_changes_nothing),
        cmocka_unit_test(null_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
