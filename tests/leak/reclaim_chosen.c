/* Reclaim cancels whom it was told to, each once, and touches nobody else. */
#include "reclaimtest.h"

static bool is_chosen(const struct oak_leak *l, void *arg)
{
    return l->g.name && strcmp(l->g.name, arg) == 0;
}

static int64_t then;

static void choose(struct scene *s)
{
    go("this", on_nil, &out[0]);
    go("that", on_nil, &out[1]);
    settle("this", 1);
    settle("that", 1);
    check_now(s);
    reclaimed = oak_leak_reclaim(s->report, is_chosen, (char[]){"this"});
    while (!out[0].ended)
        oak_yield();
    then = out[1].ended ? -1 : oak_leak_reclaim(s->report, NULL, NULL);
    wait_for_ends();
}

static void only_those_chosen_and_each_once(void **state)
{
    (void)state;
    struct scene *s = play_reclaim(choose);
    assert_int_equal(reclaimed, 1);
    assert_int_equal(then, 1);
    assert_cancelled(0);
    assert_cancelled(1);
    assert_int_equal(oak_leak_reclaim(s->report, NULL, NULL), 0);
    done(s);
}

/* Hidden from the proof: what no program does. So the goroutine goes on although it was proven. */
static uintptr_t hidden;

static void on_hidden(void *arg)
{
    struct outcome *o = arg;
    oak_chan(int) ch = oak_make(int, 0);
    hidden = ~(uintptr_t)ch;
    o->first = oak_recv(ch, &(int){0});
    o->second = oak_recv((oak_chan(int))NULL, &(int){0});
    o->ended = true;
}

static void go_on(struct scene *s)
{
    go("hidden", on_hidden, &out[0]);
    settle("hidden", 1);
    check_now(s);
    oak_chan_close((oak_chan(int)) ~hidden);
    settle("hidden", 1);
    reclaimed = oak_leak_reclaim(s->report, NULL, NULL);
    oak_leak_report *again;
    if (oak_leak_check(NULL, &again))
        abort();
    then = oak_leak_reclaim(again, NULL, NULL);
    oak_leak_report_free(again);
    wait_for_ends();
}

static void not_one_that_has_gone_on_to_another_wait(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    struct scene *s = play_reclaim(go_on);
    assert_int_equal(proven(s, "hidden"), 1);
    assert_int_equal(reclaimed, 0);
    assert_int_equal(out[0].first, -EPIPE);
    assert_int_equal(then, 1);
    assert_int_equal(out[0].second, -ECANCELED);
    done(s);
}

static oak_chan(int) gate;

static void at_gate(void *arg)
{
    ((struct outcome *)arg)->first = oak_recv(gate, &(int){0});
}

static void with_a_live_one(struct scene *s)
{
    gate = oak_make(int, 0);
    out[1].first = 1;
    go("leaked", on_nil, &out[0]);
    go("live", at_gate, &out[1]);
    settle("leaked", 1);
    settle("live", 1);
    const struct oak_leak_opts opts = {.suspect_after = 1};
    s->err = oak_leak_check(&opts, &s->report);
    reclaimed = oak_leak_reclaim(s->report, NULL, NULL);
    while (!out[0].ended)
        oak_yield();
    then = out[1].first;
    oak_chan_close(gate);
    wait_for_ends();
}

static void no_suspects(void **state)
{
    (void)state;
    struct scene *s = play_reclaim(with_a_live_one);
    assert_int_equal(reclaimed, 1);
    assert_int_equal(then, 1);
    assert_int_equal(out[1].first, -EPIPE);
    done(s);
}

static void no_report(void **state)
{
    (void)state;
    assert_int_equal(oak_leak_reclaim(NULL, NULL, NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_those_chosen_and_each_once),
        cmocka_unit_test(not_one_that_has_gone_on_to_another_wait),
        cmocka_unit_test(no_suspects),
        cmocka_unit_test(no_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
