/*
 * Random goroutines and plain threads send, receive, select, spawn, cancel, time out and close on a few channels; every
 * value offered is either sent and received exactly once, or refused and received never.
 */
#include "account.h"
#include "stress.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { CHANNELS = 6, GOROUTINES = 40, THREADS = 2, OPS = 200, MAX_CASES = 4 };

struct round {
    oak_chan(uint64_t) ch[CHANNELS]; /* one of them is NULL in some rounds */
    struct account *account;
    oak_ctx *all;  /* everybody's context: its end ends the round */
    oak_ctx *some; /* an inner one that somebody ends early */
    bool closes;   /* whether channels are closed during the round */
    oak_waitgroup alive;
    _Atomic int spawned;
};

struct actor {
    struct round *round;
    uint64_t random;
};

static void spawn_actor(struct round *r, uint64_t seed);

static oak_chan(uint64_t) any_channel(struct actor *a)
{
    return a->round->ch[random_below(&a->random, CHANNELS)];
}

static int64_t any_limit(struct actor *a)
{
    return random_below(&a->random, 200) * OAK_MICROSECOND;
}

/* Notes what a send returned. */
static int sent(struct actor *a, uint64_t v, int err)
{
    require(err == 0 || err == -EPIPE || err == -EAGAIN || err == -ETIMEDOUT || err == -ECANCELED);
    account_add(a->round->account, v, err ? REFUSED : SENT);
    return err;
}

static int received(struct actor *a, uint64_t v, int err)
{
    require(err == 0 || err == -EPIPE || err == -EAGAIN || err == -ETIMEDOUT || err == -ECANCELED);
    if (!err)
        account_add(a->round->account, v, RECEIVED);
    return err;
}

static int do_send(struct actor *a)
{
    uint64_t v = account_value(a->round->account);
    switch (random_below(&a->random, 4)) {
    case 0:
        return sent(a, v, oak_try_send(any_channel(a), v));
    case 1:
        return sent(a, v, oak_send_timeout(any_channel(a), v, any_limit(a)));
    default:
        return sent(a, v, oak_send(any_channel(a), v));
    }
}

static int do_receive(struct actor *a)
{
    uint64_t v = UINT64_MAX;
    int err;
    switch (random_below(&a->random, 4)) {
    case 0:
        err = oak_try_recv(any_channel(a), &v);
        break;
    case 1:
        err = oak_recv_timeout(any_channel(a), &v, any_limit(a));
        break;
    default:
        err = oak_recv(any_channel(a), &v);
        break;
    }
    return received(a, v, err);
}

static int do_select(struct actor *a)
{
    struct oak_case cases[MAX_CASES + 1];
    uint64_t value[MAX_CASES + 1];
    bool sends[MAX_CASES + 1] = {false};
    bool open[MAX_CASES + 1];
    uint32_t n = 1 + random_below(&a->random, MAX_CASES);
    for (uint32_t i = 0; i < n; i++) {
        sends[i] = random_below(&a->random, 2);
        value[i] = sends[i] ? account_value(a->round->account) : UINT64_MAX;
        if (sends[i]) {
            cases[i] = oak_on_send(any_channel(a), 0);
            cases[i].elem = &value[i];
        } else {
            cases[i] = oak_on_recv_ok(any_channel(a), &value[i], &open[i]);
        }
    }
    uint32_t last = random_below(&a->random, 4);
    if (last < 2) {
        cases[n] = last ? oak_on_default() : oak_on_timeout(any_limit(a));
        value[n++] = 0;
    }
    int chosen = oak_select_n(cases, n);
    require(chosen < (int)n);
    for (uint32_t i = 0; i < n; i++)
        if (sends[i])
            account_add(a->round->account, value[i], (int)i == chosen ? SENT : REFUSED);
    if (chosen >= 0 && cases[chosen].kind == OAK__CASE_RECV && open[chosen])
        account_add(a->round->account, value[chosen], RECEIVED);
    return chosen < 0 ? chosen : 0;
}

static int do_something(struct actor *a)
{
    switch (random_below(&a->random, 64)) {
    case 0:
        if (a->round->closes)
            (void)oak_chan_close(any_channel(a));
        return 0;
    case 1:
        return oak_ctx_cancel(a->round->some, 0), 0;
    case 2:
        spawn_actor(a->round, next_random(&a->random));
        return 0;
    case 3:
        return oak_sleep(any_limit(a));
    case 4:
    case 5:
        oak_yield();
        return 0;
    case 6:
        spin(random_below(&a->random, 100));
        return 0;
    default:
        break;
    }
    uint32_t kind = random_below(&a->random, 3);
    return kind == 0 ? do_send(a) : kind == 1 ? do_receive(a) : do_select(a);
}

/* One step, sometimes under a context of its own. */
static int step(struct actor *a)
{
    int err = 0;
    switch (random_below(&a->random, 8)) {
    case 0:
        oak_with_timeout (any_limit(a))
            err = do_something(a);
        return err == -ETIMEDOUT ? 0 : err;
    case 1:
        oak_with_ctx (a->round->some)
            err = do_something(a);
        return err == -ECANCELED ? 0 : err;
    default:
        return do_something(a);
    }
}

static void act(struct actor *a)
{
    oak_with_ctx (a->round->all) {
        for (int i = 0; i < OPS && oak_ctx_err(a->round->all) == 0 && !account_full(a->round->account); i++)
            (void)step(a);
    }
}

OAK_TASK(actor_task, struct round *, r, uint64_t, seed)
{
    struct actor a = {.round = r, .random = seed};
    act(&a);
    oak_waitgroup_done(&r->alive);
}

static void *actor_thread(void *arg)
{
    struct actor *a = arg;
    act(a);
    oak_waitgroup_done(&a->round->alive);
    return NULL;
}

static void spawn_actor(struct round *r, uint64_t seed)
{
    if (atomic_fetch_add(&r->spawned, 1) > 4 * GOROUTINES)
        return;
    oak_waitgroup_add(&r->alive, 1);
    require(oak_go_detached(actor_task, r, seed) == 0);
}

static void open_round(struct round *r, uint64_t *random)
{
    static struct account account;
    static const size_t room[] = {0, 0, 1, 3, 64};
    *r = (struct round){.account = &account, .closes = random_below(random, 3) == 0};
    for (int i = 0; i < CHANNELS; i++) {
        r->ch[i] = oak_make(uint64_t, room[random_below(random, 5)]);
        require(r->ch[i]);
    }
    if (random_below(random, 4) == 0) {
        oak_chan_free(r->ch[0]);
        r->ch[0] = NULL;
    }
    r->all = oak_ctx_new(NULL);
    r->some = oak_ctx_new(r->all);
    require(r->all && r->some);
}

static void close_round(struct round *r)
{
    uint64_t v, sum[4] = {0};
    for (int i = 0; i < CHANNELS; i++) {
        while (r->ch[i] && oak_try_recv(r->ch[i], &v) == 0)
            account_add(r->account, v, RECEIVED);
        require(oak_chan_len(r->ch[i]) == 0);
        require(oak_chan_free(r->ch[i]) == 0);
    }
    account_settle(r->account, sum);
    oak_ctx_unref(r->some);
    oak_ctx_unref(r->all);
}

static int round_of_values(struct stress *s, uint64_t *random)
{
    (void)s;
    static struct round r;
    static struct actor threads[THREADS];
    pthread_t ids[THREADS];
    open_round(&r, random);
    oak_waitgroup_add(&r.alive, GOROUTINES + THREADS);
    for (int i = 0; i < THREADS; i++) {
        threads[i] = (struct actor){.round = &r, .random = next_random(random)};
        require(pthread_create(&ids[i], NULL, actor_thread, &threads[i]) == 0);
    }
    for (int i = 0; i < GOROUTINES; i++)
        require(oak_go_detached(actor_task, &r, next_random(random)) == 0);
    require(oak_sleep(random_below(random, 8000) * OAK_MICROSECOND) == 0);
    require(oak_ctx_cancel(r.all, 0) == 0);
    require(oak_waitgroup_wait(&r.alive) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(ids[i], NULL);
    close_round(&r);
    return 0;
}

static void values_are_accounted_for_on_1_p(void **state)
{
    (void)state;
    assert_true(stress(1, round_of_values));
}

static void values_are_accounted_for_on_2_ps(void **state)
{
    (void)state;
    assert_true(stress(2, round_of_values));
}

static void values_are_accounted_for_on_4_ps(void **state)
{
    (void)state;
    assert_true(stress(4, round_of_values));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_accounted_for_on_1_p),
        cmocka_unit_test(values_are_accounted_for_on_2_ps),
        cmocka_unit_test(values_are_accounted_for_on_4_ps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
