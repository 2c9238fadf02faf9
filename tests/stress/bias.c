/*
 * Channels that one P has to itself for long, and then not: pairs of goroutines that talk long enough to own their channels
 * (sync/chan_lock.h), selects over two such, plain threads that come between now and then, and somebody who looks at all
 * goroutines meanwhile. Every value sent is received exactly once.
 */
#include "stress.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { PAIRS = 3, VALUES = 6000, THREADS = 2 };

struct round {
    oak_chan(uint64_t) ch[2 * PAIRS];
    _Atomic uint64_t sent, received, sum_sent, sum_received;
    _Atomic bool over;
    oak_waitgroup senders, receivers;
};

OAK_TASK(send_all, struct round *, r, int, i)
{
    for (uint64_t v = 1; v <= VALUES; v++) {
        require(oak_send(r->ch[i], v) == 0);
        r->sum_sent += v;
        r->sent++;
    }
    oak_waitgroup_done(&r->senders);
}

static void got(struct round *r, uint64_t v)
{
    r->sum_received += v;
    r->received++;
}

/* From both channels of a pair, until both are closed. */
OAK_TASK(receive_all, struct round *, r, int, pair, uint64_t, random)
{
    oak_chan(uint64_t) a = r->ch[2 * pair], b = r->ch[2 * pair + 1];
    bool a_open = true, b_open = true;
    uint64_t v;
    while (a_open && b_open) {
        bool open = true;
        int chosen = random_below(&random, 8)
                         ? oak_select(oak_on_recv_ok(a, &v, &open), oak_on_recv_ok(b, &v, &open))
                         : oak_select(oak_on_recv_ok(a, &v, &open), oak_on_recv_ok(b, &v, &open),
                                      oak_on_timeout(100 * OAK_MICROSECOND));
        require(chosen >= 0);
        if (chosen == 2)
            continue;
        if (open)
            got(r, v);
        else if (chosen == 0)
            a_open = false;
        else
            b_open = false;
    }
    while (a_open && oak_recv(a, &v) == 0)
        got(r, v);
    while (b_open && oak_recv(b, &v) == 0)
        got(r, v);
    oak_waitgroup_done(&r->receivers);
}

struct stranger {
    struct round *round;
    uint64_t random;
};

/* Takes a value here and there. */
static void *take_some(void *arg)
{
    struct stranger *s = arg;
    struct round *r = s->round;
    while (!r->over) {
        uint64_t v;
        oak_chan(uint64_t) ch = r->ch[random_below(&s->random, 2 * PAIRS)];
        int err = random_below(&s->random, 2) ? oak_try_recv(ch, &v)
                                              : oak_recv_timeout(ch, &v, 50 * OAK_MICROSECOND);
        if (!err)
            got(r, v);
        for (int i = random_below(&s->random, 200); i-- > 0;)
            sched_yield();
    }
    return NULL;
}

static bool count_one(const struct oak_goroutine_info *g, void *arg)
{
    (void)g;
    ++*(int *)arg;
    return true;
}

static void *look(void *arg)
{
    struct round *r = arg;
    while (!r->over) {
        int n = 0;
        require(oak_goroutines(count_one, &n) >= 0);
        sched_yield();
    }
    return NULL;
}

static int body(struct stress *s, uint64_t *random)
{
    (void)s;
    struct round r = {.sent = 0};
    struct stranger strangers[THREADS];
    pthread_t threads[THREADS + 1];
    for (int i = 0; i < 2 * PAIRS; i++)
        require(r.ch[i] = oak_make(uint64_t, (size_t)random_below(random, 3)));
    oak_waitgroup_add(&r.senders, 2 * PAIRS);
    oak_waitgroup_add(&r.receivers, PAIRS);
    for (int i = 0; i < PAIRS; i++)
        require(oak_go_detached(receive_all, &r, i, *random + (uint64_t)i) == 0);
    for (int i = 0; i < 2 * PAIRS; i++)
        require(oak_go_detached(send_all, &r, i) == 0);
    for (int i = 0; i < THREADS; i++) {
        strangers[i] = (struct stranger){&r, *random * 31 + (uint64_t)i};
        require(pthread_create(&threads[i], NULL, take_some, &strangers[i]) == 0);
    }
    require(pthread_create(&threads[THREADS], NULL, look, &r) == 0);
    require(oak_waitgroup_wait(&r.senders) == 0);
    for (int i = 0; i < 2 * PAIRS; i++)
        require(oak_chan_close(r.ch[i]) == 0);
    require(oak_waitgroup_wait(&r.receivers) == 0);
    r.over = true;
    for (int i = 0; i <= THREADS; i++)
        oak_blocking
            require(pthread_join(threads[i], NULL) == 0);
    require(r.sent == 2 * PAIRS * (uint64_t)VALUES);
    require(r.received == r.sent && r.sum_received == r.sum_sent);
    for (int i = 0; i < 2 * PAIRS; i++)
        require(oak_chan_free(r.ch[i]) == 0);
    return 0;
}

static void channels_change_hands_on_1_p(void **state)
{
    (void)state;
    assert_true(stress(1, body));
}

static void channels_change_hands_on_2_ps(void **state)
{
    (void)state;
    assert_true(stress(2, body));
}

static void channels_change_hands_on_4_ps(void **state)
{
    (void)state;
    assert_true(stress(4, body));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_change_hands_on_1_p),
        cmocka_unit_test(channels_change_hands_on_2_ps),
        cmocka_unit_test(channels_change_hands_on_4_ps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
