/* Select: one case happens, the choice is fair, nothing is left behind. */
#include "support/goroutine.h"

TEST(takes_the_ready_case)
{
    oak_chan(int) a = oak_make(int, 1), b = oak_make(int, 1);
    int v = 0;
    expect(oak_send(b, 7) == 0);
    expect(oak_select(oak_on_recv(a, &v), oak_on_recv(b, &v)) == 1 && v == 7);
    expect(oak_select(oak_on_recv(b, &v), oak_on_send(a, 5)) == 1);
    expect(oak_recv(a, &v) == 0 && v == 5);
    oak_chan_free(a);
    oak_chan_free(b);
}

TEST(default_never_blocks)
{
    oak_chan(int) a = oak_make(int, 0);
    int v;
    expect(oak_select(oak_on_recv(a, &v), oak_on_default()) == 1);
    expect(oak_select(oak_on_default()) == 0);
    oak_chan_free(a);
}

TEST(timeout_case)
{
    oak_chan(int) a = oak_make(int, 0);
    int v;
    int64_t before = oak_now();
    expect(oak_select(oak_on_recv(a, &v), oak_on_timeout(2 * OAK_MILLISECOND)) == 1);
    expect(oak_now() - before >= 2 * OAK_MILLISECOND);
    expect(oak_select(oak_on_timeout(-1)) == 0);
    expect(oak_chan_free(a) == 0); /* no waiter was left */
}

TEST(closed_channels_are_ready)
{
    oak_chan(int) a = oak_make(int, 1);
    bool ok = false;
    int v = 9;
    expect(oak_send(a, 3) == 0 && oak_chan_close(a) == 0);
    expect(oak_select(oak_on_recv_ok(a, &v, &ok)) == 0 && ok && v == 3);
    expect(oak_select(oak_on_recv_ok(a, &v, &ok)) == 0 && !ok && v == 0);
    expect(oak_select(oak_on_send(a, 1)) == -EPIPE);
    oak_chan_free(a);
}

OAK_TASK(close_later, oak_chan(int), ch)
{
    (void)oak_sleep(2 * OAK_MILLISECOND);
    oak_chan_close(ch);
}

TEST(close_wakes_a_waiting_select)
{
    oak_chan(int) a = oak_make(int, 0), b = oak_make(int, 0);
    bool ok = true;
    int v = 9;
    expect(oak_go_detached(close_later, b) == 0);
    expect(oak_select(oak_on_recv(a, &v), oak_on_recv_ok(b, &v, &ok)) == 1 && !ok && v == 0);
    oak_chan_free(b);
    b = oak_make(int, 0);
    expect(oak_go_detached(close_later, b) == 0);
    expect(oak_select(oak_on_recv(a, &v), oak_on_send(b, 1)) == -EPIPE);
    expect(oak_chan_free(a) == 0);
    oak_chan_free(b);
}

TEST(nil_channels_are_never_ready)
{
    oak_chan(int) nil = NULL, a = oak_make(int, 1);
    int v;
    expect(oak_select(oak_on_recv(nil, &v), oak_on_send(nil, 1), oak_on_send(a, 1)) == 2);
    expect(oak_select(oak_on_recv(nil, &v), oak_on_timeout(OAK_MILLISECOND)) == 1);
    oak_chan_free(a);
}

TEST(the_choice_is_uniform)
{
    enum { CASES = 4, ROUNDS = 20000 };
    oak_chan(int) ch[CASES];
    int count[CASES] = {0}, v;
    for (int i = 0; i < CASES; i++) {
        ch[i] = oak_make(int, 1);
        expect(oak_send(ch[i], i) == 0);
    }
    for (int r = 0; r < ROUNDS; r++) {
        int i = oak_select(oak_on_recv(ch[0], &v), oak_on_recv(ch[1], &v), oak_on_recv(ch[2], &v),
                           oak_on_recv(ch[3], &v));
        expect(i == v);
        count[i]++;
        expect(oak_send(ch[i], i) == 0);
    }
    /* 5,000 expected, standard deviation 61: ten of them. */
    for (int i = 0; i < CASES; i++) {
        expect(count[i] > 4390 && count[i] < 5610);
        oak_chan_free(ch[i]);
    }
}

TEST(many_cases)
{
    enum { N = 300 };
    oak_chan(int) ch[N];
    struct oak_case cases[N];
    int v[N];
    for (int i = 0; i < N; i++) {
        ch[i] = oak_make(int, 1);
        cases[i] = oak_on_recv(ch[i], &v[i]);
    }
    expect(oak_send(ch[217], 217) == 0);
    expect(oak_select_n(cases, N) == 217 && v[217] == 217);
    for (int i = 0; i < N; i++)
        expect(oak_chan_free(ch[i]) == 0);
}

TEST(bad_cases_are_refused)
{
    oak_chan(int) a = oak_make(int, 1);
    struct oak_case wrong = {.kind = (enum oak__case_kind)77};
    struct oak_case no_value = {.kind = OAK__CASE_SEND, .ch = oak__raw(a)};
    expect(oak_select_n(NULL, 1) == -EINVAL);
    expect(oak_select_n(&wrong, 1) == -EINVAL);
    expect(oak_select_n(&no_value, 1) == -EINVAL);
    expect(oak_select_n(&wrong, 70000) == -EINVAL);
    expect(oak_select(oak_on_default(), oak_on_default()) == -EINVAL);
    expect(oak_select(oak_on_timeout(1), oak_on_timeout(1)) == -EINVAL);
    oak_chan_free(a);
}

/* Two selects that could serve each other, each with a send and a receive on one channel. */
OAK_TASK(swap, oak_chan(int), ch, int, n, int *, sent, int *, got, oak_chan(int), done)
{
    for (int i = 0; i < n; i++) {
        int v;
        int r = oak_select(oak_on_send(ch, 1), oak_on_recv(ch, &v), oak_on_timeout(50 * OAK_MILLISECOND));
        if (r == 0)
            ++*sent;
        else if (r == 1)
            *got += v;
    }
    expect(oak_send(done, 1) == 0);
}

TEST(selects_meet_selects)
{
    enum { TASKS = 4, N = 500 };
    oak_chan(int) ch = oak_make(int, 0), done = oak_make(int, 0);
    int sent[TASKS] = {0}, got[TASKS] = {0}, total_sent = 0, total_got = 0, v;
    for (int i = 0; i < TASKS; i++)
        expect(oak_go_detached(swap, ch, N, &sent[i], &got[i], done) == 0);
    for (int i = 0; i < TASKS; i++)
        expect(oak_recv(done, &v) == 0);
    for (int i = 0; i < TASKS; i++) {
        total_sent += sent[i];
        total_got += got[i];
    }
    expect(total_sent == total_got && total_sent > 0);
    expect(oak_chan_free(ch) == 0);
    oak_chan_free(done);
}

/* A value that a select with several cases competes for is neither lost nor doubled. */
OAK_TASK(compete, oak_chan(int), a, oak_chan(int), b, long *, sum, oak_chan(int), done)
{
    bool open_a = true, open_b = true;
    while (open_a || open_b) {
        int v = 0;
        bool ok = true;
        int r = oak_select(oak_on_recv_ok(open_a ? a : NULL, &v, &ok),
                           oak_on_recv_ok(open_b ? b : NULL, &v, &ok));
        expect(r == 0 || r == 1);
        if (!ok)
            *(r == 0 ? &open_a : &open_b) = false;
        *sum += v;
    }
    expect(oak_send(done, 1) == 0);
}

OAK_TASK(feed, oak_chan(int), ch, int, n)
{
    for (int i = 1; i <= n; i++)
        expect(oak_send(ch, i) == 0);
    oak_chan_close(ch);
}

TEST(values_are_accounted_for)
{
    enum { READERS = 4, N = 5000 };
    for (int cap = 0; cap <= 2; cap++) {
        oak_chan(int) a = oak_make(int, (size_t)cap), b = oak_make(int, 0), done = oak_make(int, 0);
        long sum[READERS] = {0}, total = 0;
        int v;
        for (int i = 0; i < READERS; i++)
            expect(oak_go_detached(compete, a, b, &sum[i], done) == 0);
        expect(oak_go_detached(feed, a, N) == 0 && oak_go_detached(feed, b, N) == 0);
        for (int i = 0; i < READERS; i++)
            expect(oak_recv(done, &v) == 0);
        for (int i = 0; i < READERS; i++)
            total += sum[i];
        expect(total == (long)N * (N + 1));
        oak_chan_free(a);
        oak_chan_free(b);
        oak_chan_free(done);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_ready_case),
        cmocka_unit_test(default_never_blocks),
        cmocka_unit_test(timeout_case),
        cmocka_unit_test(closed_channels_are_ready),
        cmocka_unit_test(close_wakes_a_waiting_select),
        cmocka_unit_test(nil_channels_are_never_ready),
        cmocka_unit_test(the_choice_is_uniform),
        cmocka_unit_test(many_cases),
        cmocka_unit_test(bad_cases_are_refused),
        cmocka_unit_test(selects_meet_selects),
        cmocka_unit_test(values_are_accounted_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
