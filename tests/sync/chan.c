/* Channels: what each operation promises. */
#include "support/goroutine.h"

#include "sched/sched.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

OAK_TASK(send_one, oak_chan(int), ch, int, v, _Atomic int *, result)
{
    *result = oak_send(ch, v);
}

OAK_TASK(recv_one, oak_chan(int), ch, int *, out, _Atomic int *, result)
{
    *result = oak_recv(ch, out);
}

struct count {
    const void *ch;
    int n;
};

static bool count_one(struct oak__g *g, void *arg)
{
    struct count *c = arg;
    c->n += load_acquire(&g->status) == OAK__G_WAITING && load_relaxed(&g->wait_object) == c->ch;
    return true;
}

/* Goroutines that are queued at ch: who waits has been queued before. */
static int waiting_at(oak_chan(int) ch)
{
    struct count c = {(const void *)(uintptr_t)ch, 0};
    oak__each_g(count_one, &c);
    return c.n;
}

TEST(unbuffered_hands_over)
{
    oak_chan(int) ch = oak_make(int, 0);
    _Atomic int sent = 1;
    int v = 0;
    expect(oak_chan_cap(ch) == 0);
    expect(oak_try_send(ch, 1) == -EAGAIN);
    expect(oak_go_detached(send_one, ch, 42, &sent) == 0);
    expect(oak_recv(ch, &v) == 0 && v == 42);
    wait_until(sent == 0);
    expect(oak_chan_free(ch) == 0);
}

TEST(buffer_keeps_order_and_counts)
{
    oak_chan(int) ch = oak_make(int, 3);
    for (int i = 0; i < 3; i++)
        expect(oak_try_send(ch, i) == 0);
    expect(oak_try_send(ch, 9) == -EAGAIN);
    expect(oak_chan_len(ch) == 3 && oak_chan_cap(ch) == 3);
    int v;
    expect(oak_recv(ch, &v) == 0 && v == 0);
    expect(oak_send(ch, 3) == 0);
    for (int i = 1; i <= 3; i++)
        expect(oak_try_recv(ch, &v) == 0 && v == i);
    expect(oak_try_recv(ch, &v) == -EAGAIN);
    oak_chan_free(ch);
}

TEST(waiting_senders_are_served_first_in_first_out)
{
    oak_chan(int) ch = oak_make(int, 1);
    _Atomic int results[5];
    expect(oak_send(ch, 100) == 0);
    for (int i = 0; i < 5; i++) {
        results[i] = 1;
        expect(oak_go_detached(send_one, ch, i, &results[i]) == 0);
        wait_until(waiting_at(ch) == i + 1);
    }
    int v;
    expect(oak_recv(ch, &v) == 0 && v == 100);
    for (int i = 0; i < 5; i++)
        expect(oak_recv(ch, &v) == 0 && v == i);
    for (int i = 0; i < 5; i++)
        wait_until(results[i] == 0);
    oak_chan_free(ch);
}

TEST(waiting_receivers_are_served_first_in_first_out)
{
    oak_chan(int) ch = oak_make(int, 0);
    _Atomic int results[5];
    int got[5];
    for (int i = 0; i < 5; i++) {
        results[i] = 1;
        expect(oak_go_detached(recv_one, ch, &got[i], &results[i]) == 0);
        wait_until(waiting_at(ch) == i + 1);
    }
    for (int i = 0; i < 5; i++)
        expect(oak_send(ch, i) == 0);
    for (int i = 0; i < 5; i++) {
        wait_until(results[i] == 0);
        expect(got[i] == i);
    }
    oak_chan_free(ch);
}

TEST(close_drains_then_ends)
{
    oak_chan(int) ch = oak_make(int, 2);
    expect(oak_send(ch, 7) == 0);
    expect(oak_chan_close(ch) == 0);
    expect(oak_chan_close(ch) == -EPIPE);
    expect(oak_send(ch, 8) == -EPIPE);
    expect(oak_try_send(ch, 8) == -EPIPE);
    int v = 1;
    expect(oak_recv(ch, &v) == 0 && v == 7);
    expect(oak_recv(ch, &v) == -EPIPE && v == 0);
    v = 5;
    expect(oak_try_recv(ch, &v) == -EPIPE && v == 0);
    oak_chan_free(ch);
}

TEST(close_wakes_all_waiters)
{
    oak_chan(int) in = oak_make(int, 0), out = oak_make(int, 0);
    _Atomic int r[4] = {1, 1, 1, 1};
    int got[2] = {5, 5};
    for (int i = 0; i < 2; i++) {
        expect(oak_go_detached(recv_one, in, &got[i], &r[i]) == 0);
        expect(oak_go_detached(send_one, out, i, &r[2 + i]) == 0);
    }
    wait_until(waiting_at(in) == 2 && waiting_at(out) == 2);
    expect(oak_chan_close(in) == 0 && oak_chan_close(out) == 0);
    for (int i = 0; i < 4; i++)
        wait_until(r[i] == -EPIPE);
    expect(got[0] == 0 && got[1] == 0);
    oak_chan_free(in);
    oak_chan_free(out);
}

OAK_TASK(produce, oak_chan(int), ch, int, n)
{
    for (int i = 0; i < n; i++)
        if (oak_send(ch, i))
            return;
    oak_chan_close(ch);
}

TEST(range_ends_when_closed)
{
    oak_chan(int) ch = oak_make(int, 4);
    expect(oak_go_detached(produce, ch, 100) == 0);
    int n = 0;
    oak_range (ch, v) {
        expect(v == n);
        n++;
    }
    expect(n == 100);
    oak_chan_free(ch);
}

TEST(time_limits)
{
    oak_chan(int) ch = oak_make(int, 0);
    int v = 3;
    int64_t before = oak_now();
    expect(oak_recv_timeout(ch, &v, 2 * OAK_MILLISECOND) == -ETIMEDOUT && v == 3);
    expect(oak_now() - before >= 2 * OAK_MILLISECOND);
    expect(oak_send_timeout(ch, 1, OAK_MILLISECOND) == -ETIMEDOUT);
    expect(oak_send_timeout(ch, 1, 0) == -ETIMEDOUT);
    expect(oak_recv_timeout(ch, &v, -5) == -ETIMEDOUT);
    /* Nobody is left in a queue: a try finds no partner. */
    expect(oak_try_send(ch, 1) == -EAGAIN && oak_try_recv(ch, &v) == -EAGAIN);
    expect(oak_chan_free(ch) == 0);
}

TEST(a_nil_channel_blocks)
{
    oak_chan(int) nil = NULL;
    int v;
    expect(oak_recv_timeout(nil, &v, OAK_MILLISECOND) == -ETIMEDOUT);
    expect(oak_send_timeout(nil, 1, OAK_MILLISECOND) == -ETIMEDOUT);
    expect(oak_try_recv(nil, &v) == -EAGAIN && oak_try_send(nil, 1) == -EAGAIN);
    expect(oak_chan_len(nil) == 0 && oak_chan_cap(nil) == 0);
    expect(oak_chan_close(nil) == -EINVAL && oak_chan_free(nil) == 0);
}

TEST(wrong_handles_are_refused)
{
    static char not_a_channel[512] __attribute__((aligned(16)));
    oak_chan(int) bad = (oak_chan(int))(uintptr_t)not_a_channel;
    int v;
    expect(oak_send(bad, 1) == -EINVAL && oak_recv(bad, &v) == -EINVAL);
    expect(oak_try_send(bad, 1) == -EINVAL && oak_try_recv(bad, &v) == -EINVAL);
    expect(oak_chan_close(bad) == -EINVAL && oak_chan_free(bad) == -EINVAL && oak_chan_len(bad) == 0);
}

TEST(absurd_capacity_is_out_of_memory)
{
    oak_chan(int) ch = oak_make(int, SIZE_MAX / 2);
    expect(!ch);
    ch = oak_make(int, SIZE_MAX);
    expect(!ch);
}

TEST(a_channel_with_waiters_is_not_freed)
{
    oak_chan(int) ch = oak_make(int, 0);
    _Atomic int r = 1;
    expect(oak_go_detached(send_one, ch, 1, &r) == 0);
    wait_until(waiting_at(ch) == 1);
    expect(oak_chan_free(ch) == -EBUSY);
    expect(oak_chan_close(ch) == 0);
    wait_until(r == -EPIPE);
    expect(oak_chan_free(ch) == 0);
}

struct big {
    char bytes[1000];
};

TEST(large_elements)
{
    oak_chan(struct big) ch = oak_make(struct big, 2);
    struct big a, b;
    memset(&a, 'x', sizeof a);
    expect(oak_send(ch, a) == 0);
    expect(oak_recv(ch, &b) == 0 && memcmp(&a, &b, sizeof a) == 0);
    oak_chan_free(ch);
}

static void *thread_echo(void *arg)
{
    oak_chan(int) *chs = arg;
    int v;
    while (oak_recv(chs[0], &v) == 0)
        expect(oak_send(chs[1], v + 1) == 0);
    return NULL;
}

TEST(plain_threads_take_part)
{
    oak_chan(int) chs[2] = {oak_make(int, 0), oak_make(int, 0)};
    pthread_t t;
    expect(pthread_create(&t, NULL, thread_echo, chs) == 0);
    for (int i = 0; i < 1000; i++) {
        int v;
        expect(oak_send(chs[0], i) == 0);
        expect(oak_recv(chs[1], &v) == 0 && v == i + 1);
    }
    oak_chan_close(chs[0]);
    oak_blocking {
        pthread_join(t, NULL);
    }
    oak_chan_free(chs[0]);
    oak_chan_free(chs[1]);
}

/* ---- looks without the lock ---- */

struct watch {
    oak_chan(int) ch;
    _Atomic bool end;
    _Atomic int dips;
};

static void *watch_length(void *arg)
{
    struct watch *w = arg;
    while (!load_acquire(&w->end))
        if (oak_chan_len(w->ch) != 1)
            fetch_add_relaxed(&w->dips, 1);
    return NULL;
}

/* A full channel whose senders queue never seems empty, at no moment of a receive. */
TEST(a_channel_with_waiting_senders_is_always_full)
{
    enum { SENDERS = 4000 };
    static _Atomic int results[SENDERS];
    static struct watch w;
    pthread_t t;
    int v;
    w.ch = oak_make(int, 1);
    expect(oak_send(w.ch, 0) == 0);
    for (int i = 0; i < SENDERS; i++)
        expect(oak_go_detached(send_one, w.ch, i, &results[i]) == 0);
    wait_until(waiting_at(w.ch) == SENDERS);
    expect(pthread_create(&t, NULL, watch_length, &w) == 0);
    for (int i = 0; i < SENDERS - 1; i++) {
        expect(oak_recv(w.ch, &v) == 0);
        if (i % 8 == 0) /* the watcher is to see much of it */
            (void)oak_sleep(OAK_MICROSECOND);
    }
    store_release(&w.end, true);
    oak_blocking {
        pthread_join(t, NULL);
    }
    expect(load_relaxed(&w.dips) == 0);
    expect(oak_recv(w.ch, &v) == 0 && oak_recv(w.ch, &v) == 0);
    wait_until(waiting_at(w.ch) == 0);
    oak_chan_free(w.ch);
}

enum { CROSSINGS = 3000, SPINS = 200 };
static struct crossing {
    oak_chan(int) to[2];
    _Atomic int round[2];
    bool got[2][CROSSINGS];
} crossing;

static void cross(int me)
{
    struct crossing *x = &crossing;
    for (int i = 0; i < CROSSINGS; i++) {
        int v;
        store_release(&x->round[me], i + 1);
        for (int spins = 0; load_acquire(&x->round[!me]) <= i; spins++)
            if (spins >= SPINS)
                sched_yield();
        expect(oak_try_send(x->to[!me], i) == 0);
        x->got[me][i] = oak_try_recv(x->to[me], &v) == 0;
        if (!x->got[me][i])
            expect(oak_recv(x->to[me], &v) == 0 && v == i);
    }
}

static void *cross_as_second(void *arg)
{
    (void)arg;
    cross(1);
    return NULL;
}

/* Each sends to the other and then looks at its own: one of the two at least finds the other's. */
static void two_that_send_and_look_do_not_both_find_nothing(void **state)
{
    (void)state;
    pthread_t t;
    for (int i = 0; i < 2; i++)
        crossing.to[i] = oak_make(int, 1);
    assert_int_equal(pthread_create(&t, NULL, cross_as_second, NULL), 0);
    cross(0);
    pthread_join(t, NULL);
    for (int i = 0; i < CROSSINGS; i++)
        assert_true(crossing.got[0][i] || crossing.got[1][i]);
    for (int i = 0; i < 2; i++)
        oak_chan_free(crossing.to[i]);
}

static void *two_threads_peer(void *arg)
{
    int v;
    oak_chan(int) ch = (oak_chan(int))(uintptr_t)arg;
    expect(oak_recv_timeout((oak_chan(int))NULL, &v, OAK_MILLISECOND) == -ETIMEDOUT);
    return oak_recv(ch, &v) == 0 && v == 5 ? arg : NULL;
}

static void channels_work_without_the_runtime(void **state)
{
    (void)state;
    oak_chan(int) ch = oak_make(int, 0);
    pthread_t t;
    void *result;
    assert_int_equal(pthread_create(&t, NULL, two_threads_peer, (void *)(uintptr_t)ch), 0);
    assert_int_equal(oak_send(ch, 5), 0);
    pthread_join(t, &result);
    assert_ptr_equal(result, (void *)(uintptr_t)ch);
    oak_chan_free(ch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_work_without_the_runtime), /* first: nothing has started it yet */
        cmocka_unit_test(unbuffered_hands_over),
        cmocka_unit_test(buffer_keeps_order_and_counts),
        cmocka_unit_test(waiting_senders_are_served_first_in_first_out),
        cmocka_unit_test(waiting_receivers_are_served_first_in_first_out),
        cmocka_unit_test(close_drains_then_ends),
        cmocka_unit_test(close_wakes_all_waiters),
        cmocka_unit_test(range_ends_when_closed),
        cmocka_unit_test(time_limits),
        cmocka_unit_test(a_nil_channel_blocks),
        cmocka_unit_test(wrong_handles_are_refused),
        cmocka_unit_test(absurd_capacity_is_out_of_memory),
        cmocka_unit_test(a_channel_with_waiters_is_not_freed),
        cmocka_unit_test(large_elements),
        cmocka_unit_test(plain_threads_take_part),
        cmocka_unit_test(a_channel_with_waiting_senders_is_always_full),
        cmocka_unit_test(two_that_send_and_look_do_not_both_find_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
