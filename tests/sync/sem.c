/* The semaphore: counts, order, hand-over between goroutines and threads, cancellation. */
#include "../support/goroutine.h"
#include "../support/partner.h"

#include "sync/waitq.h"

#include <pthread.h>
#include <string.h>

TEST(counts)
{
    oak_sem s = OAK_SEM_INIT(3);
    expect(oak_sem_acquire(&s, 2) == 0);
    expect(oak_sem_try_acquire(&s, 2) == -EAGAIN);
    expect(oak_sem_try_acquire(&s, 1) == 0);
    expect(oak_sem_acquire_timeout(&s, 1, 0) == -ETIMEDOUT);
    expect(oak_sem_acquire_timeout(&s, 1, OAK_MILLISECOND) == -ETIMEDOUT);
    expect(oak_sem_release(&s, 3) == 0);
    expect(oak_sem_acquire_timeout(&s, 3, 0) == 0);
    expect(s.oak__count == 0 && s.oak__queue[1] == NULL && s.oak__queue[2] == NULL);
}

TEST(wrong_arguments_are_refused)
{
    oak_sem s;
    expect(oak_sem_init(NULL, 1) == -EINVAL);
    expect(oak_sem_init(&s, -1) == -EINVAL);
    expect(oak_sem_init(&s, INT64_MAX - 1) == 0);
    expect(oak_sem_acquire(NULL, 1) == -EINVAL);
    expect(oak_sem_acquire(&s, 0) == -EINVAL);
    expect(oak_sem_acquire(&s, -1) == -EINVAL);
    expect(oak_sem_acquire_timeout(NULL, 1, 1) == -EINVAL);
    expect(oak_sem_acquire_timeout(&s, 0, 1) == -EINVAL);
    expect(oak_sem_try_acquire(NULL, 1) == -EINVAL);
    expect(oak_sem_try_acquire(&s, 0) == -EINVAL);
    expect(oak_sem_release(NULL, 1) == -EINVAL);
    expect(oak_sem_release(&s, 0) == -EINVAL);
    expect(oak_sem_release(&s, 1) == 0);
    expect(oak_sem_release(&s, 1) == -EOVERFLOW);
    expect(oak_sem_try_acquire(&s, INT64_MAX) == 0);
}

/* ---- order ---- */

struct scene {
    oak_sem s;
    oak_ctx *c;
    oak_waitgroup wg;
    _Atomic int order, turn[4];
    _Atomic int got, cancelled;
};

static int queue_length(oak_sem *s)
{
    struct {
        int64_t count;
        oak__lock lock;
        struct oak__link queue;
    } *in = (void *)s;
    int n = 0;
    oak__enter();
    lock(&in->lock);
    for (struct oak__link *l = in->queue.next; l && l != &in->queue; l = l->next)
        n++;
    unlock(&in->lock);
    oak__exit();
    return n;
}

OAK_TASK(acquire, struct scene *, s, int, i, int64_t, n)
{
    oak_with_ctx (s->c) {
        int err = oak_sem_acquire(&s->s, n);
        if (err) {
            expect(err == -ECANCELED);
            s->cancelled++;
        } else {
            s->got++;
            s->turn[i] = ++s->order;
        }
    }
    oak_waitgroup_done(&s->wg);
}

static void queue_up(struct scene *s, int i, int64_t n)
{
    int before = queue_length(&s->s);
    oak_waitgroup_add(&s->wg, 1);
    expect(oak_go_detached(acquire, s, i, n) == 0);
    wait_until(queue_length(&s->s) == before + 1);
}

TEST(large_request_is_not_overtaken_by_small_ones)
{
    struct scene s = {.s = OAK_SEM_INIT(0)};
    queue_up(&s, 0, 3);
    queue_up(&s, 1, 1);
    expect(oak_sem_release(&s.s, 2) == 0);
    expect(oak_sem_try_acquire(&s.s, 1) == -EAGAIN); /* nor by those who do not queue */
    expect(s.got == 0);
    expect(oak_sem_release(&s.s, 1) == 0);
    wait_until(s.turn[0] == 1);
    expect(oak_sem_release(&s.s, 1) == 0);
    expect(oak_waitgroup_wait(&s.wg) == 0);
    expect(s.turn[1] == 2 && s.s.oak__count == 0);
}

TEST(first_in_first_out)
{
    struct scene s = {.s = OAK_SEM_INIT(0)};
    for (int i = 0; i < 4; i++)
        queue_up(&s, i, 1);
    for (int i = 0; i < 4; i++) {
        expect(oak_sem_release(&s.s, 1) == 0);
        wait_until(s.turn[i] == i + 1);
    }
    expect(oak_waitgroup_wait(&s.wg) == 0);
}

TEST(large_request_that_gives_up_lets_the_small_ones_behind_it_go)
{
    struct scene s = {.s = OAK_SEM_INIT(2), .c = oak_ctx_new(NULL)};
    queue_up(&s, 0, 3);
    oak_ctx *c = s.c;
    s.c = NULL;
    queue_up(&s, 1, 1);
    queue_up(&s, 2, 1);
    expect(oak_ctx_cancel(c, 0) == 0);
    expect(oak_waitgroup_wait(&s.wg) == 0);
    expect(s.cancelled == 1 && s.got == 2 && s.s.oak__count == 0);
    oak_ctx_unref(c);
}

/* ---- cancel against release ---- */

TEST(cancel_against_release_loses_no_unit)
{
    int cancelled = 0;
    struct partner p;
    partner_start(&p, cancel_it);
    for (int i = 0; i < PARTNER_ROUNDS; i++) {
        struct scene s = {.s = OAK_SEM_INIT(0), .c = oak_ctx_new(NULL)};
        oak_waitgroup_add(&s.wg, 3);
        for (int k = 0; k < 3; k++)
            expect(oak_go_detached(acquire, &s, k, k + 1) == 0);
        while (queue_length(&s.s) < 3)
            oak_yield();
        partner_go(&p, s.c, i);
        expect(oak_sem_release(&s.s, 6) == 0);
        partner_wait(&p);
        expect(oak_waitgroup_wait(&s.wg) == 0);
        expect(s.got + s.cancelled == 3);
        int taken = (s.turn[0] ? 1 : 0) + (s.turn[1] ? 2 : 0) + (s.turn[2] ? 3 : 0);
        expect(s.s.oak__count == 6 - taken);
        cancelled += s.cancelled;
        partner_balance(&p, s.cancelled != 0);
        oak_ctx_unref(s.c);
    }
    partner_stop(&p);
    print_message("           cancelled before the release: %d of %d\n", cancelled, 3 * PARTNER_ROUNDS);
}

/* ---- from thread to goroutine and back ---- */

struct pair {
    oak_sem to, back;
};

static void *answer(void *arg)
{
    struct pair *p = arg;
    for (int i = 0; i < 500; i++) {
        expect(oak_sem_acquire(&p->to, 1) == 0);
        expect(oak_sem_release(&p->back, 1) == 0);
    }
    return NULL;
}

TEST(handed_over_between_goroutine_and_thread)
{
    struct pair p = {OAK_SEM_INIT(0), OAK_SEM_INIT(0)};
    pthread_t t;
    expect(pthread_create(&t, NULL, answer, &p) == 0);
    for (int i = 0; i < 500; i++) {
        expect(oak_sem_release(&p.to, 1) == 0);
        expect(oak_sem_acquire(&p.back, 1) == 0);
    }
    pthread_join(t, NULL);
    expect(p.to.oak__count == 0 && p.back.oak__count == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(large_request_is_not_overtaken_by_small_ones),
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(large_request_that_gives_up_lets_the_small_ones_behind_it_go),
        cmocka_unit_test(cancel_against_release_loses_no_unit),
        cmocka_unit_test(handed_over_between_goroutine_and_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
