/*
 * Hazard 3: a select hangs in the queues of several channels; two senders, or a sender and a close, may find it at the same
 * moment, and only one of them may have it. Hazard 4: a cancel may come at the moment of a hand-over; the value then either
 * went over and both sides say so, or it did not and both say that.
 */
#include "../stress/account.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { CHANNELS = 4, SELECTORS = 4, SENDERS = 4, EACH = 8000, CANCELS = 15000 };

static struct account account;
static oak_chan(uint64_t) channels[CHANNELS];
static oak_waitgroup senders;

/* Receives from all channels at once until all are closed and drained. */
OAK_TASK_ERR(selector, uint64_t, seed)
{
    uint64_t random = seed, value[CHANNELS];
    bool open[CHANNELS];
    oak_chan(uint64_t) mine[CHANNELS];
    memcpy(mine, channels, sizeof mine);
    for (int left = CHANNELS; left > 0;) {
        int i = oak_select(
            oak_on_recv_ok(mine[0], &value[0], &open[0]), oak_on_recv_ok(mine[1], &value[1], &open[1]),
            oak_on_recv_ok(mine[2], &value[2], &open[2]), oak_on_recv_ok(mine[3], &value[3], &open[3]));
        require(i >= 0 && i < CHANNELS);
        if (open[i]) {
            account_add(&account, value[i], RECEIVED);
        } else {
            mine[i] = NULL;
            left--;
        }
        spin(random_below(&random, 4));
    }
    return 0;
}

static void send_some(uint64_t random)
{
    for (int i = 0; i < EACH; i++) {
        uint64_t v = account_value(&account);
        uint32_t at = random_below(&random, CHANNELS);
        if (i % 2) {
            require(oak_send(channels[at], v) == 0);
            account_add(&account, v, SENT);
        } else {
            /* to one of two, whichever is taken first */
            uint64_t w = account_value(&account);
            int chosen =
                oak_select(oak_on_send(channels[at], v), oak_on_send(channels[(at + 1) % CHANNELS], w));
            require(chosen == 0 || chosen == 1);
            account_add(&account, v, chosen == 0 ? SENT : REFUSED);
            account_add(&account, w, chosen == 1 ? SENT : REFUSED);
        }
    }
    oak_waitgroup_done(&senders);
}

OAK_TASK(sender, uint64_t, seed)
{
    send_some(seed);
}

static void *sender_thread(void *unused)
{
    send_some(77);
    return unused;
}

static int selects_against_selects(int argc, char **argv)
{
    (void)argc, (void)argv;
    pthread_t thread;
    uint64_t sum[4] = {0};
    for (int i = 0; i < CHANNELS; i++) {
        channels[i] = oak_make(uint64_t, i == 3 ? 2 : 0);
        require(channels[i]);
    }
    oak_waitgroup_add(&senders, SENDERS + 1);
    require(pthread_create(&thread, NULL, sender_thread, NULL) == 0);
    oak_scope (s) {
        for (uint64_t i = 0; i < SELECTORS; i++)
            require(oak_go(s, selector, i) == 0);
        for (uint64_t i = 0; i < SENDERS; i++)
            require(oak_go(s, sender, 100 + i) == 0);
        require(oak_waitgroup_wait(&senders) == 0);
        for (int i = 0; i < CHANNELS; i++)
            require(oak_chan_close(channels[i]) == 0);
    }
    pthread_join(thread, NULL);
    account_settle(&account, sum);
    require(sum[0] == (uint64_t)(SENDERS + 1) * EACH);
    return 0;
}

/* One value, one sender, one receiver, and a cancel of one of the two from a third goroutine. */
struct meeting {
    oak_chan(uint64_t) ch;
    oak_ctx *sender_ctx, *receiver_ctx;
    uint64_t value;
    bool selects;
};

OAK_TASK_ERR(meeting_sender, struct meeting *, m, uint32_t, delay)
{
    int err = 0;
    spin(delay);
    oak_with_ctx (m->sender_ctx)
        err = m->selects ? oak_select(oak_on_send(m->ch, m->value)) : oak_send(m->ch, m->value);
    require(err == 0 || err == -ECANCELED);
    account_add(&account, m->value, err ? REFUSED : SENT);
    return 0;
}

OAK_TASK_ERR(meeting_receiver, struct meeting *, m, uint32_t, delay)
{
    int err = 0;
    uint64_t v = UINT64_MAX;
    spin(delay);
    oak_with_ctx (m->receiver_ctx)
        err = m->selects ? oak_select(oak_on_recv(m->ch, &v)) : oak_recv(m->ch, &v);
    require(err == 0 || err == -ECANCELED);
    require(err == 0 ? v == m->value : v == UINT64_MAX);
    if (err == 0)
        account_add(&account, v, RECEIVED);
    return 0;
}

OAK_TASK_ERR(meeting_canceller, oak_ctx *, c, uint32_t, delay)
{
    for (uint32_t yields = delay % 4; yields; yields--)
        oak_yield();
    spin(delay);
    return oak_ctx_cancel(c, 0);
}

static int cancels_against_handovers(int argc, char **argv)
{
    (void)argc, (void)argv;
    uint64_t random = 11, sum[4] = {0};
    for (int i = 0; i < CANCELS; i++) {
        struct meeting m = {.ch = oak_make(uint64_t, 0), .selects = i & 1};
        m.sender_ctx = oak_ctx_new(NULL);
        m.receiver_ctx = oak_ctx_new(NULL);
        m.value = account_value(&account);
        require(m.ch && m.sender_ctx && m.receiver_ctx);
        bool first = random_below(&random, 2);
        oak_scope (s) {
            require(oak_go(s, meeting_sender, &m, random_below(&random, 20)) == 0);
            require(oak_go(s, meeting_receiver, &m, random_below(&random, 20)) == 0);
            require(oak_go(s, meeting_canceller, first ? m.sender_ctx : m.receiver_ctx,
                           random_below(&random, 40)) == 0);
            for (uint32_t yields = random_below(&random, 4); yields; yields--) {
                oak_yield();
                spin(random_below(&random, 40));
            }
            /* the other side would wait for ever */
            (void)oak_ctx_cancel(first ? m.receiver_ctx : m.sender_ctx, 0);
        }
        require(oak_chan_free(m.ch) == 0);
        oak_ctx_unref(m.sender_ctx);
        oak_ctx_unref(m.receiver_ctx);
        if (account_full(&account))
            account_settle(&account, sum);
    }
    account_settle(&account, sum);
    printf("%llu went over, %llu did not\n", (unsigned long long)sum[0], (unsigned long long)sum[1]);
    return 0;
}

static int (*chosen_app)(int, char **);

static int on_ps(void *procs)
{
    set_procs(*(int *)procs);
    return oak_run(chosen_app, 0, NULL);
}

static void on_any_number_of_ps(int (*app)(int, char **), bool show)
{
    chosen_app = app;
    for (int procs = 1; procs <= 4; procs *= 2)
        assert_true(child_succeeds(on_ps, &procs, show));
}

static void a_select_is_claimed_once(void **state)
{
    (void)state;
    on_any_number_of_ps(selects_against_selects, false);
}

static void a_cancel_and_a_handover_agree(void **state)
{
    (void)state;
    on_any_number_of_ps(cancels_against_handovers, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_select_is_claimed_once),
        cmocka_unit_test(a_cancel_and_a_handover_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
