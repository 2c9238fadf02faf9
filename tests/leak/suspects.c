/* Suspects: each rule, alone and together with others, and what no rule may call one. */
#include "leaktest.h"

/* Live: whoever waits here may be woken, and nothing of it is proven. */
static oak_chan(int) gate;
static oak_chan(int) other_gate;

static void wait_at_gate(void *arg)
{
    int v;
    (void)!oak_recv(*(oak_chan(int) *)arg, &v);
}

static void wait_elsewhere(void *arg)
{
    int v;
    (void)!oak_recv(*(oak_chan(int) *)arg, &v);
}

static void wait_with_limit(void *arg)
{
    int v;
    (void)!oak_recv_timeout(*(oak_chan(int) *)arg, &v, OAK_HOUR);
}

static void sleep_long(void *arg)
{
    (void)arg;
    (void)!oak_sleep(OAK_HOUR);
}

static void wait_in_context(void *arg)
{
    oak_with_timeout (OAK_HOUR)
        wait_at_gate(arg);
}

static void go_many(const char *name, void (*fn)(void *), void *arg, int n)
{
    for (int i = 0; i < n; i++)
        go(name, fn, arg);
    settle(name, n);
}

/* After play: how many of that name are suspects by exactly these rules. */
static int suspects(const struct scene *s, const char *name, unsigned rules)
{
    int n = 0;
    const struct oak_leak *l;
    for (size_t i = 0; (l = oak_leak_at(s->report, i)); i++)
        n += l->verdict == OAK_SUSPECT && l->rules == rules && l->g.name && strcmp(l->g.name, name) == 0;
    return n;
}

static void check_with(struct scene *s, const struct oak_leak_opts *opts)
{
    s->err = oak_leak_check(opts, &s->report);
}

static void let_go(struct scene *s)
{
    oak_leak_report_free(s->report);
    oak_chan_close(gate);
    oak_chan_close(other_gate);
    oak_yield();
}

static void make_gates(void)
{
    gate = oak_make(int, 0);
    other_gate = oak_make(int, 0);
}

/* Until all of that name have waited for longer than the clock's step. */
static void age(void)
{
    (void)!oak_sleep(50 * OAK_MILLISECOND);
}

static void some_old(struct scene *s)
{
    const struct oak_leak_opts opts = {.suspect_after = 20 * OAK_MILLISECOND, .suspect_count = UINT64_MAX};
    make_gates();
    go_many("old", wait_at_gate, &gate, 3);
    go_many("limited", wait_with_limit, &gate, 3);
    go_many("asleep", sleep_long, NULL, 3);
    go_many("in context", wait_in_context, &gate, 3);
    age();
    check_with(s, &opts);
}

static void by_age(void **state)
{
    (void)state;
    struct scene *s = play(some_old);
    assert_int_equal(oak_leak_count(s->report, OAK_LEAKED), 0);
    assert_int_equal(suspects(s, "old", OAK_SUSPECT_AGE), 3);
    assert_int_equal(oak_leak_count(s->report, OAK_SUSPECT), 3);
    assert_non_null(strstr(s->text, "): age: has waited for"));
    let_go(s);
}

static void a_crowd(struct scene *s)
{
    const struct oak_leak_opts opts = {.suspect_after = OAK_FOREVER, .suspect_count = 50};
    make_gates();
    go_many("crowd", wait_at_gate, &gate, 30);
    go_many("crowd too", wait_at_gate, &other_gate, 20); /* the same line, another channel and name */
    go_many("few", wait_elsewhere, &gate, 49);
    go_many("limited", wait_with_limit, &gate, 60);
    check_with(s, &opts);
}

static void by_number_at_one_place(void **state)
{
    (void)state;
    struct scene *s = play(a_crowd);
    assert_int_equal(suspects(s, "crowd", OAK_SUSPECT_COUNT), 30);
    assert_int_equal(suspects(s, "crowd too", OAK_SUSPECT_COUNT), 20);
    assert_int_equal(oak_leak_count(s->report, OAK_SUSPECT), 50);
    assert_int_equal(oak_leak_at(s->report, 0)->at_place, 50);
    assert_non_null(strstr(s->text, "number: 50 block here"));
    let_go(s);
}

static oak_leak_report *before;

static void growing(struct scene *s)
{
    const struct oak_leak_opts first = {.suspect_after = OAK_FOREVER, .suspect_count = UINT64_MAX};
    struct oak_leak_opts then = first;
    make_gates();
    go_many("grows", wait_at_gate, &gate, 5);
    go_many("stays", wait_elsewhere, &gate, 40);
    if (oak_leak_check(&first, &before))
        abort();
    go_many("grown", wait_at_gate, &gate, 20);
    then.suspect_growth = 20;
    then.before = before;
    check_with(s, &then);
}

static void by_growth_between_two_checks(void **state)
{
    (void)state;
    struct scene *s = play(growing);
    assert_int_equal(oak_leak_count(before, OAK_SUSPECT), 0);
    assert_int_equal(suspects(s, "grows", OAK_SUSPECT_GROWTH), 5);
    assert_int_equal(suspects(s, "grown", OAK_SUSPECT_GROWTH), 20);
    assert_int_equal(oak_leak_count(s->report, OAK_SUSPECT), 25);
    const struct oak_leak *l = oak_leak_at(s->report, 0);
    assert_int_equal(l->at_place, 25);
    assert_int_equal(l->at_place_before, 5);
    assert_non_null(strstr(s->text, "growth: 25 block here without any deadline, 5 did at the check before"));
    oak_leak_report_free(before);
    let_go(s);
}

static void all_rules(struct scene *s)
{
    struct oak_leak_opts opts = {.suspect_after = OAK_FOREVER, .suspect_count = UINT64_MAX};
    make_gates();
    if (oak_leak_check(&opts, &before))
        abort();
    go_many("all", wait_at_gate, &gate, 10);
    age();
    opts = (struct oak_leak_opts){20 * OAK_MILLISECOND, 10, 10, before};
    check_with(s, &opts);
}

static void says_every_rule_that_holds(void **state)
{
    (void)state;
    struct scene *s = play(all_rules);
    assert_int_equal(suspects(s, "all", OAK_SUSPECT_AGE | OAK_SUSPECT_COUNT | OAK_SUSPECT_GROWTH), 10);
    assert_non_null(strstr(s->text, "; number: 10 block here without any deadline; growth: 10 block here"));
    oak_leak_report_free(before);
    let_go(s);
}

static void wait_on_nil(void *arg)
{
    (void)arg;
    (void)!oak_recv((oak_chan(int))NULL, &(int){0});
}

static void leaked_crowd(struct scene *s)
{
    const struct oak_leak_opts opts = {.suspect_after = 1, .suspect_count = 1};
    make_gates();
    go_many("nil", wait_on_nil, NULL, 5);
    go_many("live", wait_at_gate, &gate, 1);
    age();
    check_with(s, &opts);
}

static void what_is_proven_is_no_suspect(void **state)
{
    (void)state;
    struct scene *s = play(leaked_crowd);
    assert_int_equal(proven(s, "nil"), 5);
    assert_int_equal(suspects(s, "live", OAK_SUSPECT_AGE | OAK_SUSPECT_COUNT), 1);
    assert_int_equal(oak_leak_count(s->report, OAK_SUSPECT), 1);
    const struct oak_leak *l = first_proven(s, "nil");
    assert_true(l && l->rules == 0);
    let_go(s);
}

static void bad_options(void **state)
{
    (void)state;
    oak_leak_report *r = NULL;
    const struct oak_leak_opts opts = {.suspect_after = -1};
    assert_int_equal(oak_leak_check(&opts, &r), -EINVAL);
    assert_int_equal(oak_leak_check(NULL, NULL), -EINVAL);
    assert_null(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_age),
        cmocka_unit_test(by_number_at_one_place),
        cmocka_unit_test(by_growth_between_two_checks),
        cmocka_unit_test(says_every_rule_that_holds),
        cmocka_unit_test(what_is_proven_is_no_suspect),
        cmocka_unit_test(bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
