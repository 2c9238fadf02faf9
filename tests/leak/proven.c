/* Leaks that must be proven, every time. Each scene's builder is a function of its own, so that what it knew is gone
 * when it has returned. */
#include "leaktest.h"

typedef oak_chan(int) ints;

static void send_one(void *arg)
{
    if (oak_send((ints)(uintptr_t)arg, 1))
        return;
}

static void receive_one(void *arg)
{
    int v;
    if (oak_recv((ints)(uintptr_t)arg, &v))
        return;
}

static void receive_all(void *arg)
{
    oak_range ((ints)(uintptr_t)arg, v)
        (void)v;
}

static ints make(void)
{
    ints ch = oak_make(int, 0);
    if (!ch)
        abort();
    return ch;
}

static void *raw_of(ints ch)
{
    return (void *)(uintptr_t)ch;
}

/* ---- channels ---- */

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

struct job {
    char pad[40];
    ints request, response;
    char more[100];
};

static void serve(void *arg)
{
    struct job *j = arg;
    int v;
    if (oak_recv(j->request, &v) || oak_send(j->response, v))
        return;
}

static struct job *new_job(void)
{
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        abort();
    j->request = make();
    j->response = make();
    return j;
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

/* ---- locks ---- */

static void lock_twice(void *arg)
{
    oak_mutex m = {0};
    (void)arg;
    if (oak_mutex_lock(&m) || oak_mutex_lock(&m))
        return;
}

static void self_lock(struct scene *s)
{
    go("self lock", lock_twice, NULL);
    settle("self lock", 1);
    check_now(s);
}

static void a_mutex_locked_twice(void **state)
{
    (void)state;
    struct scene *s = play(self_lock);
    assert_int_equal(proven(s, "self lock"), 1);
    assert_non_null(strstr(first_proven(s, "self lock")->why, "itself"));
    done(s);
}

static oak_mutex a, b;
static _Atomic int both;

static void lock_both(oak_mutex *first, oak_mutex *second)
{
    if (oak_mutex_lock(first))
        return;
    both++;
    while (both != 2)
        oak_yield();
    if (oak_mutex_lock(second))
        return;
}

static void lock_ab(void *arg)
{
    (void)arg;
    lock_both(&a, &b);
}

static void lock_ba(void *arg)
{
    (void)arg;
    lock_both(&b, &a);
}

static void ab_ba(struct scene *s)
{
    go("ab-ba", lock_ab, NULL);
    go("ab-ba", lock_ba, NULL);
    settle("ab-ba", 2);
    check_now(s);
}

static void a_cycle_of_global_mutexes(void **state)
{
    (void)state;
    struct scene *s = play(ab_ba);
    assert_int_equal(proven(s, "ab-ba"), 2);
    assert_non_null(strstr(first_proven(s, "ab-ba")->why, "lock cycle"));
    done(s);
}

static oak_mutex left_locked, *volatile left = &left_locked;

static void lock_and_end(void *arg)
{
    (void)arg;
    if (oak_mutex_lock(left))
        return;
}

static void lock_too(void *arg)
{
    (void)arg;
    if (oak_mutex_lock(left))
        return;
    oak_mutex_unlock(left);
}

static void owner_ended(struct scene *s)
{
    go("careless", lock_and_end, NULL);
    settle("careless", 0);
    go("owner ended", lock_too, NULL);
    settle("owner ended", 1);
    check_now(s);
}

static void a_global_mutex_whose_owner_has_ended(void **state)
{
    (void)state;
    struct scene *s = play(owner_ended);
    assert_int_equal(proven(s, "owner ended"), 1);
    assert_non_null(strstr(first_proven(s, "owner ended")->why, "has ended"));
    done(s);
}

static oak_rwmutex rw;

static void write_lock_and_block(void *arg)
{
    if (oak_rwmutex_lock(&rw))
        return;
    receive_one(arg);
    oak_rwmutex_unlock(&rw);
}

static void read_lock(void *arg)
{
    (void)arg;
    if (oak_rwmutex_rlock(&rw))
        return;
    oak_rwmutex_runlock(&rw);
}

static NOINLINE void block_a_writer(void)
{
    go("writer", write_lock_and_block, raw_of(make()));
    settle("writer", 1);
    go("reader", read_lock, NULL);
    settle("reader", 1);
}

static void leaked_writer(struct scene *s)
{
    block_a_writer();
    check_now(s);
}

static void readers_of_a_lock_whose_writer_is_leaked(void **state)
{
    (void)state;
    struct scene *s = play(leaked_writer);
    assert_int_equal(proven(s, "writer"), 1);
    assert_int_equal(proven(s, "reader"), 1);
    assert_non_null(strstr(first_proven(s, "reader")->why, "which is leaked"));
    done(s);
}

/* ---- wait groups, conditions ---- */

static void wait_group(void *arg)
{
    if (oak_waitgroup_wait(arg))
        return;
}

static void wait_own_group(void *arg)
{
    (void)arg;
    oak_waitgroup wg = {0};
    oak_waitgroup_add(&wg, 1);
    wait_group(&wg);
}

static NOINLINE void forget_done(void)
{
    oak_waitgroup *wg = calloc(1, sizeof *wg);
    if (!wg)
        abort();
    oak_waitgroup_add(wg, 2);
    oak_waitgroup_done(wg);
    go("wait group", wait_group, wg);
    go("wait group", wait_own_group, NULL);
    settle("wait group", 2);
}

static void missing_done(struct scene *s)
{
    forget_done();
    check_now(s);
}

static void a_wait_group_that_nobody_can_finish(void **state)
{
    (void)state;
    assert_proven(missing_done, "wait group", 2);
}

struct guarded {
    oak_mutex mu;
    oak_cond cond;
    oak_sem sem;
};

static void wait_cond(void *arg)
{
    struct guarded *g = arg;
    if (oak_mutex_lock(&g->mu) || oak_cond_wait(&g->cond, &g->mu))
        return;
    oak_mutex_unlock(&g->mu);
}

static void take_sem(void *arg)
{
    struct guarded *g = arg;
    if (oak_sem_acquire(&g->sem, 1))
        return;
}

static NOINLINE void forget_signal(void)
{
    struct guarded *g = calloc(1, sizeof *g);
    if (!g)
        abort();
    go("condition", wait_cond, g);
    go("semaphore", take_sem, g);
    settle("condition", 1);
    settle("semaphore", 1);
}

static void missing_signal(struct scene *s)
{
    forget_signal();
    check_now(s);
}

static void a_condition_and_a_semaphore_that_nobody_knows(void **state)
{
    (void)state;
    struct scene *s = play(missing_signal);
    assert_int_equal(proven(s, "condition"), 1);
    assert_int_equal(proven(s, "semaphore"), 1);
    done(s);
}

/* ---- scopes and contexts ---- */

OAK_TASK(stuck_child, ints, ch)
{
    oak_set_name("stuck child");
    send_one(raw_of(ch));
}

static void own_a_scope(void *arg)
{
    (void)arg;
    oak_scope (s) {
        if (oak_go(s, stuck_child, make()))
            abort();
    }
}

static void stuck_scope(struct scene *s)
{
    go("scope owner", own_a_scope, NULL);
    settle("stuck child", 1);
    settle("scope owner", 1);
    check_now(s);
}

static void a_scope_whose_child_is_leaked(void **state)
{
    (void)state;
    struct scene *s = play(stuck_scope);
    assert_int_equal(proven(s, "stuck child"), 1);
    assert_int_equal(proven(s, "scope owner"), 1);
    assert_non_null(strstr(first_proven(s, "scope owner")->why, "scope's child"));
    done(s);
}

static void send_in_context(void *arg)
{
    oak_ctx *c = oak_ctx_new(NULL);
    if (!c)
        abort();
    oak_with_ctx (c)
        send_one(arg);
    oak_ctx_unref(c);
}

static NOINLINE void wait_in_context(void)
{
    go("own context", send_in_context, raw_of(make()));
    settle("own context", 1);
}

static void unknown_context(struct scene *s)
{
    wait_in_context();
    check_now(s);
}

static void a_context_that_nobody_else_can_cancel(void **state)
{
    (void)state;
    struct scene *s = play(unknown_context);
    assert_int_equal(proven(s, "own context"), 1);
    assert_non_null(strstr(first_proven(s, "own context")->why, "context"));
    done(s);
}

static void wait_done(void *arg)
{
    char c;
    if (oak_recv((oak_done_chan)(uintptr_t)oak_ctx_done(arg), &c))
        return;
}

static NOINLINE void wait_for_forgotten_context(void)
{
    oak_ctx *c = oak_ctx_new(NULL);
    if (!c)
        abort();
    go("done channel", wait_done, c);
    settle("done channel", 1);
}

static void forgotten_context(struct scene *s)
{
    wait_for_forgotten_context();
    check_now(s);
}

static void the_done_channel_of_a_forgotten_context(void **state)
{
    (void)state;
    assert_proven(forgotten_context, "done channel", 1);
}

/* ---- what stale memory must not hide ---- */

static NOINLINE void free_what_knew(void)
{
    struct job *knew[40];
    ints ch = make();
    for (int i = 0; i < 40; i++) {
        knew[i] = calloc(1, i < 20 ? sizeof *knew[i] : 3000);
        if (!knew[i])
            abort();
        knew[i]->request = knew[i]->response = ch;
    }
    go("freed", send_one, raw_of(ch));
    settle("freed", 1);
    for (int i = 0; i < 40; i++)
        free(knew[i]);
}

static void freed_holders(struct scene *s)
{
    free_what_knew();
    check_now(s);
}

static void a_channel_that_only_freed_blocks_knew(void **state)
{
    (void)state;
    assert_proven(freed_holders, "freed", 1);
}

static NOINLINE void dirty_the_stack(volatile uintptr_t *stack, uintptr_t with)
{
    for (int i = 0; i < 100; i++)
        stack[i] = with;
}

static NOINLINE void leave_in_dead_stack(void)
{
    volatile uintptr_t stack[100];
    ints ch = make();
    dirty_the_stack(stack, (uintptr_t)ch);
    go("dead stack", send_one, raw_of(ch));
    settle("dead stack", 1);
}

static void dead_stack(struct scene *s)
{
    leave_in_dead_stack();
    check_now(s);
}

static void a_channel_that_only_a_dead_part_of_a_stack_knew(void **state)
{
    (void)state;
    assert_proven(dead_stack, "dead stack", 1);
}

/* ---- the report ---- */

static NOINLINE void retain(void)
{
    struct job *j = malloc(100000);
    if (!j)
        abort();
    j->response = make();
    j->request = make();
    go("retaining", serve, j);
    settle("retaining", 1);
}

static void retaining(struct scene *s)
{
    retain();
    check_now(s);
}

static void says_what_is_retained_where_and_why(void **state)
{
    (void)state;
    struct scene *s = play(retaining);
    const struct oak_leak *l = first_proven(s, "retaining");
    assert_non_null(l);
    if (!l)
        return;
    assert_true(l->retained >= 100000 && l->retained < 110000);
    assert_int_equal(l->g.reason, OAK_WAIT_CHAN_RECV);
    assert_true(l->g.nframes > 0);
    char object[32];
    snprintf(object, sizeof object, "%p", l->g.wait_object);
    assert_non_null(strstr(l->why, object));
    assert_non_null(strstr(s->text, "leaked (proven)"));
    assert_non_null(strstr(s->text, ", retaining "));
    /* Of those that read alike the text gives the reason of the first. */
    assert_non_null(strstr(s->text, "no reference to channel 0x"));
    assert_true(oak_leak_pause(s->report) > 0);
    assert_true(oak_leak_duration(s->report) >= oak_leak_pause(s->report));
    done(s);
}

static NOINLINE void two_receivers(void)
{
    ints ch = make();
    go("two more", receive_one, raw_of(ch));
    go("two more", receive_one, raw_of(ch));
    settle("two more", 2);
}

static void two_more(struct scene *s)
{
    two_receivers();
    check_now(s);
}

static void names_the_others_that_know_the_channel(void **state)
{
    (void)state;
    struct scene *s = play(two_more);
    const struct oak_leak *l = first_proven(s, "two more"), *next;
    uint64_t other = 0; /* ids need not follow one another: each P has a stock of its own */
    for (size_t i = 0; l && (next = oak_leak_at(s->report, i)); i++)
        if (next->g.id != l->g.id && next->g.name && strcmp(next->g.name, "two more") == 0)
            other = next->g.id;
    char expected[64];
    snprintf(expected, sizeof expected, "outside leaked goroutines %llu, %llu",
             l ? (unsigned long long)l->g.id : 0, (unsigned long long)other);
    assert_non_null(strstr(l ? l->why : "", expected));
    done(s);
}

int main(void)
{
    const struct CMUnitTest without_references[] = {
        cmocka_unit_test(nil_channels),
        cmocka_unit_test(a_select_without_cases),
        cmocka_unit_test(a_mutex_locked_twice),
        cmocka_unit_test(a_cycle_of_global_mutexes),
        cmocka_unit_test(a_global_mutex_whose_owner_has_ended),
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
        cmocka_unit_test(readers_of_a_lock_whose_writer_is_leaked),
        cmocka_unit_test(a_wait_group_that_nobody_can_finish),
        cmocka_unit_test(a_condition_and_a_semaphore_that_nobody_knows),
        cmocka_unit_test(a_scope_whose_child_is_leaked),
        cmocka_unit_test(a_context_that_nobody_else_can_cancel),
        cmocka_unit_test(the_done_channel_of_a_forgotten_context),
        cmocka_unit_test(a_channel_that_only_freed_blocks_knew),
        cmocka_unit_test(a_channel_that_only_a_dead_part_of_a_stack_knew),
        cmocka_unit_test(says_what_is_retained_where_and_why),
        cmocka_unit_test(names_the_others_that_know_the_channel),
    };
    int failed = cmocka_run_group_tests(without_references, NULL, NULL);
    if (OAK_ASAN || OAK_TSAN) {
        fprintf(stderr,
                "the heap is a sanitizer's and counts as live: what only references can prove is left out\n");
        return failed;
    }
    return failed + cmocka_run_group_tests(by_references, NULL, NULL);
}
