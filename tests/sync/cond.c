/* The condition: order, the mutex on every return, no lost signal. */
#include "../support/goroutine.h"
#include "../support/partner.h"

#include "sync/mutex.h"

#include <string.h>

static const oak_mutex zero_mutex;
static const oak_cond zero_cond;

struct box {
    oak_mutex m;
    oak_cond c;
    oak_ctx *ctx;
    oak_waitgroup wg;
    _Atomic int waiting;
    int tokens, taken, gave_up;
    _Atomic int order;
    int turn[8];
};

static bool held(struct box *b)
{
    return mutex_owner(mutex_of(&b->m)) == oak_self();
}

static void lock_box(struct box *b)
{
    expect(oak_mutex_lock(&b->m) == 0);
}

/* In the box: how many really wait (waiting is counted before the wait gives the mutex back). */
static void wait_for_waiters(struct box *b, int n)
{
    wait_until(b->waiting == n);
    lock_box(b);
    oak_mutex_unlock(&b->m);
}

OAK_TASK(take_token, struct box *, b, int, i)
{
    oak_with_ctx (b->ctx) {
        int err = 0;
        lock_box(b);
        b->waiting++;
        while (!err && b->tokens == 0) {
            err = oak_cond_wait(&b->c, &b->m);
            expect(held(b));
        }
        if (err) {
            expect(err == -ECANCELED);
            b->gave_up++;
        } else {
            b->tokens--;
            b->taken++;
            b->turn[i] = ++b->order;
        }
        oak_mutex_unlock(&b->m);
    }
    oak_waitgroup_done(&b->wg);
}

static void start(struct box *b, int n)
{
    oak_waitgroup_add(&b->wg, n);
    for (int i = 0; i < n; i++) {
        expect(oak_go_detached(take_token, b, i) == 0);
        wait_for_waiters(b, i + 1);
    }
}

TEST(signal_wakes_the_longest_waiter)
{
    struct box b = {0};
    start(&b, 4);
    for (int i = 0; i < 4; i++) {
        lock_box(&b);
        b.tokens++;
        oak_mutex_unlock(&b.m);
        expect(oak_cond_signal(&b.c) == 0);
        wait_until(b.order == i + 1);
    }
    expect(oak_waitgroup_wait(&b.wg) == 0);
    for (int i = 0; i < 4; i++)
        expect(b.turn[i] == i + 1);
    expect(memcmp(&b.c, &zero_cond, sizeof b.c) == 0 && memcmp(&b.m, &zero_mutex, sizeof b.m) == 0);
}

TEST(broadcast_wakes_all)
{
    struct box b = {0};
    start(&b, 8);
    lock_box(&b);
    b.tokens = 8;
    expect(oak_cond_broadcast(&b.c) == 0);
    oak_mutex_unlock(&b.m);
    expect(oak_waitgroup_wait(&b.wg) == 0);
    expect(b.taken == 8);
}

TEST(signal_without_waiters_is_forgotten)
{
    struct box b = {0};
    expect(oak_cond_signal(&b.c) == 0);
    expect(oak_cond_broadcast(&b.c) == 0);
    lock_box(&b);
    expect(oak_cond_wait_timeout(&b.c, &b.m, OAK_MILLISECOND) == -ETIMEDOUT);
    expect(held(&b));
    expect(oak_cond_wait_timeout(&b.c, &b.m, 0) == -ETIMEDOUT);
    expect(held(&b));
    oak_mutex_unlock(&b.m);
    expect(memcmp(&b.c, &zero_cond, sizeof b.c) == 0);
}

/* Cancels who waits, and holds the mutex for some time after that. */
OAK_TASK(cancel_and_hold, struct box *, b)
{
    lock_box(b);
    b->waiting = 1;
    expect(oak_ctx_cancel(b->ctx, 0) == 0);
    oak_sleep(5 * OAK_MILLISECOND);
    b->taken = 1;
    oak_mutex_unlock(&b->m);
    oak_waitgroup_done(&b->wg);
}

/* The re-lock has to wait for its holder, with a context that has ended: it is not cancelled. */
TEST(mutex_is_held_after_a_cancelled_wait)
{
    struct box b = {.ctx = oak_ctx_new(NULL)};
    oak_waitgroup_add(&b.wg, 1);
    oak_with_ctx (b.ctx) {
        lock_box(&b);
        expect(oak_go_detached(cancel_and_hold, &b) == 0);
        expect(oak_cond_wait(&b.c, &b.m) == -ECANCELED);
        expect(held(&b) && b.waiting == 1 && b.taken == 1);
        expect(oak_cond_wait(&b.c, &b.m) == -ECANCELED); /* level triggered */
        expect(held(&b));
        oak_mutex_unlock(&b.m);
        expect(oak_ctx_err(oak_ctx_current()) == -ECANCELED); /* ambient again */
        expect(oak_sleep(1) == -ECANCELED);
    }
    expect(oak_waitgroup_wait(&b.wg) == 0);
    oak_ctx_unref(b.ctx);
}

static void add_token(struct box *b)
{
    lock_box(b);
    b->tokens++;
    oak_mutex_unlock(&b->m);
}

/* One token and one signal for two waiters, of whom the first is cancelled at the same time: if that one does
 * not take the token, the other does. */
TEST(cancel_against_signal_loses_no_signal)
{
    int cancelled = 0;
    struct partner p;
    partner_start(&p, cancel_it);
    for (int i = 0; i < PARTNER_ROUNDS; i++) {
        struct box b = {.ctx = oak_ctx_new(NULL)};
        oak_ctx *c = b.ctx;
        start(&b, 1); /* under the context */
        b.ctx = NULL;
        oak_waitgroup_add(&b.wg, 1);
        expect(oak_go_detached(take_token, &b, 1) == 0); /* not */
        wait_for_waiters(&b, 2);
        add_token(&b);
        partner_go(&p, c, i);
        expect(oak_cond_signal(&b.c) == 0);
        lock_box(&b);
        while (b.taken == 0) { /* or: for ever */
            oak_mutex_unlock(&b.m);
            oak_yield();
            lock_box(&b);
        }
        oak_mutex_unlock(&b.m);
        partner_wait(&p);
        add_token(&b); /* for the second waiter, if the first took the first */
        expect(oak_cond_broadcast(&b.c) == 0);
        expect(oak_waitgroup_wait(&b.wg) == 0);
        expect(b.taken + b.gave_up == 2);
        cancelled += b.gave_up;
        partner_balance(&p, b.gave_up != 0);
        oak_ctx_unref(c);
    }
    partner_stop(&p);
    print_message("           cancelled before the signal: %d of %d\n", cancelled, PARTNER_ROUNDS);
}

static void wait_unlocked(void *arg)
{
    struct box *b = arg;
    int err = oak_cond_wait(&b->c, &b->m);
    (void)err;
}

TEST(wait_without_the_mutex_panics)
{
    struct box b = {0};
    struct oak_panic_info p;
    expect(oak_recover(wait_unlocked, &b, &p) == -ENOTRECOVERABLE);
    expect(strstr(p.message, "wait on condition 0x") && strstr(p.message, "does not hold"));
}

TEST(null_is_refused)
{
    struct box b = {0};
    lock_box(&b);
    expect(oak_cond_wait(NULL, &b.m) == -EINVAL);
    expect(oak_cond_wait(&b.c, NULL) == -EINVAL);
    expect(oak_cond_wait_timeout(NULL, &b.m, 1) == -EINVAL);
    expect(oak_cond_wait_timeout(&b.c, NULL, 1) == -EINVAL);
    expect(oak_cond_signal(NULL) == -EINVAL);
    expect(oak_cond_broadcast(NULL) == -EINVAL);
    oak_mutex_unlock(&b.m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signal_wakes_the_longest_waiter),
        cmocka_unit_test(broadcast_wakes_all),
        cmocka_unit_test(signal_without_waiters_is_forgotten),
        cmocka_unit_test(mutex_is_held_after_a_cancelled_wait),
        cmocka_unit_test(cancel_against_signal_loses_no_signal),
        cmocka_unit_test(wait_without_the_mutex_panics),
        cmocka_unit_test(null_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
