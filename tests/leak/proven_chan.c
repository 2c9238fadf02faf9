/* Leaks on channels and in selects. */
#include "proventest.h"

static NOINLINE void reader_gives_up(void)
{
    ints ch = make();
    go("early return", send_one, raw_of(ch));
    settle("early return", 1);
}

static void early_return(struct scene *s)
{
    reader_gives_up();
    check_now(s);
}

static void a_sender_whose_reader_gave_up(void **state)
{
    (void)state;
    assert_proven(early_return, "early return", 1);
}

static NOINLINE void range_without_close(void)
{
    ints ch = make();
    go("range", receive_all, raw_of(ch));
    for (int i = 0; i < 3; i++)
        if (oak_send(ch, i))
            abort();
    settle("range", 1);
}

static void no_close(struct scene *s)
{
    range_without_close();
    check_now(s);
}

static void a_range_over_a_channel_that_is_never_closed(void **state)
{
    (void)state;
    assert_proven(no_close, "range", 1);
}

static void send_twice(void *arg)
{
    send_one(arg);
    send_one(arg);
}

static NOINLINE void receive_once(void)
{
    ints ch = make();
    int v;
    go("double send", send_twice, raw_of(ch));
    if (oak_recv(ch, &v))
        abort();
    settle("double send", 1);
}

static void double_send(struct scene *s)
{
    receive_once();
    check_now(s);
}

static void a_second_send_that_nobody_expects(void **state)
{
    (void)state;
    assert_proven(double_send, "double send", 1);
}

static NOINLINE void ask_three(void)
{
    ints ch = make();
    int v;
    for (int i = 0; i < 3; i++)
        go("first wins", send_one, raw_of(ch));
    if (oak_recv(ch, &v))
        abort();
    settle("first wins", 2);
}

static void first_wins(struct scene *s)
{
    ask_three();
    check_now(s);
}

static void all_but_the_first_response(void **state)
{
    (void)state;
    assert_proven(first_wins, "first wins", 2);
}

static NOINLINE void ask_and_go(void)
{
    struct job *j = new_job();
    go("struct", serve, j);
    if (oak_send(j->request, 1))
        abort();
    settle("struct", 1);
}

static void struct_of_channels(struct scene *s)
{
    ask_and_go();
    check_now(s);
}

static void a_worker_whose_answer_nobody_takes(void **state)
{
    (void)state;
    assert_proven(struct_of_channels, "struct", 1);
}

static void serve_backwards(void *arg)
{
    struct job *j = arg;
    int v;
    if (oak_recv(j->response, &v) || oak_send(j->request, v))
        return;
}

static NOINLINE void wait_for_each_other(const char *name)
{
    struct job *j = new_job();
    go(name, serve, j);
    go(name, serve_backwards, j);
    settle(name, 2);
}

static void mutual_wait(struct scene *s)
{
    wait_for_each_other("mutual");
    check_now(s);
}

static void two_that_wait_for_each_other(void **state)
{
    (void)state;
    assert_proven(mutual_wait, "mutual", 2);
}

struct link {
    ints from, to;
};

static void pass_on(void *arg)
{
    struct link l = *(struct link *)arg;
    free(arg);
    int v;
    if (oak_recv(l.from, &v) || oak_send(l.to, v))
        return;
}

static NOINLINE void build_chain(int n, bool ring)
{
    ints first = make(), from = first;
    for (int i = 0; i < n; i++) {
        struct link *l = malloc(sizeof *l);
        if (!l)
            abort();
        *l = (struct link){from, ring && i == n - 1 ? first : make()};
        from = l->to;
        go(ring ? "ring" : "chain", pass_on, l);
    }
    settle(ring ? "ring" : "chain", n);
}

static void chain(struct scene *s)
{
    build_chain(200, false);
    check_now(s);
}

static void ring(struct scene *s)
{
    build_chain(200, true);
    check_now(s);
}

static void a_chain_of_any_length(void **state)
{
    (void)state;
    assert_proven(chain, "chain", 200);
}

static void a_ring_of_any_length(void **state)
{
    (void)state;
    assert_proven(ring, "ring", 200);
}

/* ---- nothing to wait for ---- */

static void nil_and_empty(struct scene *s)
{
    go("nil send", send_one, NULL);
    go("nil receive", receive_one, NULL);
    settle("nil send", 1);
    settle("nil receive", 1);
    check_now(s);
}

static void nil_channels(void **state)
{
    (void)state;
    struct scene *s = play(nil_and_empty);
    assert_int_equal(proven(s, "nil send"), 1);
    assert_int_equal(proven(s, "nil receive"), 1);
    assert_non_null(strstr(first_proven(s, "nil send")->why, "nil channel"));
    done(s);
}

static void select_nothing(void *arg)
{
    (void)arg;
    (void)!oak_select_n(NULL, 0);
}

static void empty_select(struct scene *s)
{
    go("empty select", select_nothing, NULL);
    settle("empty select", 1);
    check_now(s);
}

static void a_select_without_cases(void **state)
{
    (void)state;
    assert_proven(empty_select, "empty select", 1);
}

static void select_two(void *arg)
{
    struct job *j = arg;
    int v;
    (void)!oak_select(oak_on_recv(j->request, &v), oak_on_send(j->response, 1));
}

static void select_many(void *arg)
{
    struct oak_case c[20];
    ints *ch = arg;
    int v;
    for (int i = 0; i < 20; i++)
        c[i] = oak_on_recv(ch[i], &v);
    (void)!oak_select_n(c, 20);
}

static NOINLINE void select_and_leave(void)
{
    ints *ch = calloc(20, sizeof *ch);
    if (!ch)
        abort();
    for (int i = 0; i < 20; i += 2)
        ch[i] = make();
    go("dead select", select_two, new_job());
    go("dead large select", select_many, ch);
    settle("dead select", 1);
    settle("dead large select", 1);
}

static void dead_select(struct scene *s)
{
    select_and_leave();
    check_now(s);
}

static void a_select_of_which_no_case_is_live(void **state)
{
    (void)state;
    struct scene *s = play(dead_select);
    assert_int_equal(proven(s, "dead select"), 1);
    assert_int_equal(proven(s, "dead large select"), 1);
    done(s);
}

int main(void)
{
    const struct CMUnitTest without_references[] = {
        cmocka_unit_test(nil_channels),
        cmocka_unit_test(a_select_without_cases),
    };
    const struct CMUnitTest by_references[] = {
        cmocka_unit_test(a_sender_whose_reader_gave_up),
        cmocka_unit_test(a_range_over_a_channel_that_is_never_closed),
        cmocka_unit_test(a_second_send_that_nobody_expects),
        cmocka_unit_test(all_but_the_first_response),
        cmocka_unit_test(a_worker_whose_answer_nobody_takes),
        cmocka_unit_test(two_that_wait_for_each_other),
        cmocka_unit_test(a_chain_of_any_length),
        cmocka_unit_test(a_ring_of_any_length),
        cmocka_unit_test(a_select_of_which_no_case_is_live),
    };
    int failed = cmocka_run_group_tests(without_references, NULL, NULL);
    return heap_is_known() ? failed + cmocka_run_group_tests(by_references, NULL, NULL) : failed;
}
