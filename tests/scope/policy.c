/* What the end of one child does to the others, and what becomes of the scope. */
#include "../support/goroutine.h"

#include "base/os.h"
#include "scope/scope.h"

#include <stdlib.h>
#include <string.h>

/* Ends with `result` when its turn comes; before that it can be cancelled. */
OAK_TASK_ERR(end_with, int, result, oak_chan(int), turn)
{
    int v, err = oak_recv(turn, &v);
    return err == -EPIPE ? result : err;
}

struct stage {
    oak_chan(int) turn[4];
    int err;
};

static void open_stage(struct stage *st)
{
    for (int i = 0; i < 4; i++)
        st->turn[i] = oak_make(int, 0);
    st->err = 1;
}

static void close_stage(struct stage *st)
{
    for (int i = 0; i < 4; i++)
        expect(oak_chan_free(st->turn[i]) == 0);
}

static uint64_t ended(void)
{
    struct oak_stats now;
    expect(oak_stats_read(&now) == 0);
    return now.ended;
}

static int results(oak_scope *s)
{
    struct oak_scope_error e;
    int n = 0;
    while (oak_scope_error_at(s, (size_t)n, &e) == 0)
        n++;
    return n;
}

static unsigned successes(oak_scope *s)
{
    oak__enter();
    lock(&s->lock);
    unsigned n = s->successes;
    unlock(&s->lock);
    oak__exit();
    return n;
}

TEST(fail_fast_cancels_the_rest_at_the_first_error)
{
    struct stage st;
    struct oak_scope_error e;
    open_stage(&st);
    oak_scope (s, .policy = OAK_FAIL_FAST, .err = &st.err) {
        for (int i = 0; i < 4; i++)
            expect(oak_go(s, end_with, i == 0 ? 5 : -EIO, st.turn[i]) == 0);
        uint64_t before = ended();
        oak_chan_close(st.turn[0]); /* a success does nothing */
        wait_until(ended() > before);
        oak_chan_close(st.turn[1]);
        expect(oak_scope_wait(s) == -EIO);
        expect(results(s) == 3);
        expect(oak_scope_error_at(s, 0, &e) == 0 && e.err == -EIO && e.goroutine != 0 && !e.panic);
        expect(oak_scope_error_at(s, 1, &e) == 0 && e.err == -ECANCELED);
        expect(oak_ctx_cause(oak_scope_ctx(s)) == -EIO);
    }
    expect(st.err == -EIO);
    close_stage(&st);
}

TEST(supervise_lets_the_rest_go_on)
{
    struct stage st;
    open_stage(&st);
    oak_scope (s, .policy = OAK_SUPERVISE, .err = &st.err) {
        for (int i = 0; i < 4; i++)
            expect(oak_go(s, end_with, i % 2 ? -i : 0, st.turn[i]) == 0);
        oak_chan_close(st.turn[3]);
        wait_until(results(s) == 1);
        expect(oak_ctx_err(oak_scope_ctx(s)) == 0);
        for (int i = 0; i < 3; i++)
            oak_chan_close(st.turn[i]);
        expect(oak_scope_wait(s) == -3);
        expect(results(s) == 2);
    }
    expect(st.err == -3);
    close_stage(&st);
}

TEST(race_is_won_by_the_first_success)
{
    struct stage st;
    open_stage(&st);
    oak_scope (s, .policy = OAK_RACE, .err = &st.err) {
        for (int i = 0; i < 4; i++)
            expect(oak_go(s, end_with, i == 0 ? -EIO : 0, st.turn[i]) == 0);
        oak_chan_close(st.turn[0]);
        wait_until(results(s) == 1);
        expect(oak_ctx_err(oak_scope_ctx(s)) == 0);
        oak_chan_close(st.turn[2]);
        expect(oak_scope_wait(s) == 0);
        expect(results(s) == 3); /* the losers are told apart by their -ECANCELED */
    }
    expect(st.err == 0);
    close_stage(&st);
}

TEST(race_that_nobody_wins_is_lost_with_the_first_error)
{
    struct stage st;
    open_stage(&st);
    oak_scope (s, .policy = OAK_RACE, .err = &st.err)
        for (int i = 0; i < 4; i++) {
            expect(oak_go(s, end_with, -10 - i, st.turn[i]) == 0);
            oak_chan_close(st.turn[i]);
            wait_until(results(s) == i + 1);
        }
    expect(st.err == -10);
    close_stage(&st);
}

TEST(quorum_needs_so_many_successes)
{
    struct stage st;
    open_stage(&st);
    oak_scope (s, .policy = OAK_QUORUM, .quorum = 2, .err = &st.err) {
        for (int i = 0; i < 4; i++)
            expect(oak_go(s, end_with, 0, st.turn[i]) == 0);
        oak_chan_close(st.turn[1]);
        wait_until(successes(s) == 1);
        expect(oak_ctx_err(oak_scope_ctx(s)) == 0);
        oak_chan_close(st.turn[3]);
        expect(oak_scope_wait(s) == 0);
        expect(results(s) == 2);
    }
    expect(st.err == 0);
    close_stage(&st);
}

TEST(quorum_that_is_not_reached_is_an_error)
{
    struct stage st;
    open_stage(&st);
    oak_scope (s, .policy = OAK_QUORUM, .quorum = 2, .err = &st.err) {
        expect(oak_go(s, end_with, 0, st.turn[0]) == 0);
        oak_chan_close(st.turn[0]);
    }
    expect(st.err == -ECHILD); /* nobody failed: too few were there */
    oak_scope (s, .policy = OAK_QUORUM, .quorum = 2, .err = &st.err) {
        for (int i = 0; i < 2; i++)
            expect(oak_go(s, end_with, -EIO * i, st.turn[i]) == 0);
        oak_chan_close(st.turn[1]);
    }
    expect(st.err == -EIO);
    close_stage(&st);
}

/* ---- errors without a result, errors of all kinds, many errors ---- */

OAK_TASK(fail_it, oak_scope *, s, int, err)
{
    expect(oak_scope_fail(s, err) == 0);
}

TEST(plain_tasks_report_errors_by_hand)
{
    int err = 0;
    oak_scope (s, .err = &err) {
        expect(oak_go(s, fail_it, s, -EPROTO) == 0);
        expect(oak_sleep(OAK_HOUR) == -ECANCELED);
    }
    expect(err == -EPROTO);
}

OAK_TASK(panics, const char *, what)
{
    oak_set_name("unlucky");
    oak_panic("it is %s", what);
}

TEST(panic_of_a_child_is_an_error_of_the_scope)
{
    struct oak_scope_error e;
    int err = 0;
    oak_scope (s, .err = &err) {
        expect(oak_go(s, panics, "broken") == 0);
        expect(oak_scope_wait(s) == -ENOTRECOVERABLE);
        expect(oak_scope_error_at(s, 0, &e) == 0);
        expect(e.err == -ENOTRECOVERABLE && strcmp(e.panic, "it is broken") == 0);
        expect(e.name && strcmp(e.name, "unlucky") == 0);
        expect(oak_sleep(1) == -ECANCELED); /* fail fast */
    }
    expect(err == -ENOTRECOVERABLE);
}

TEST(sixty_four_errors_are_kept)
{
    struct oak_scope_error e;
    oak_scope (s, .policy = OAK_SUPERVISE) {
        for (int i = 0; i < 100; i++) {
            expect(oak_scope_fail(s, -1 - i) == 0); /* first: the child may be as quick as this one */
            expect(oak_go(s, panics, "one of many") == 0);
        }
        expect(oak_scope_wait(s) == -1);
        expect(results(s) == 64);
        expect(oak_scope_error_at(s, 0, &e) == 0 && e.err == -1);
        expect(oak_scope_error_at(s, 63, &e) == 0);
    }
}

OAK_TASK(panics_when_told, oak_chan(int), told)
{
    int v;
    expect(oak_recv(told, &v) == 0);
    oak_panic("broken");
}

TEST(without_memory_the_first_error_is_still_kept)
{
    struct oak_scope_error e;
    int err = 0;
    oak_chan(int) told = oak_make(int, 1);
    oak_scope (s, .policy = OAK_SUPERVISE, .err = &err) {
        expect(oak_go(s, panics_when_told, told) == 0);
        oak__fault_set(OAK__FAULT_MALLOC, 0, 1000, ENOMEM);
        expect(oak_send(told, 1) == 0);
        int waited = oak_scope_wait(s);
        int failed = oak_scope_fail(s, -EIO);
        oak__fault_set(OAK__FAULT_MALLOC, 0, 0, 0);
        expect(waited == -ENOTRECOVERABLE && failed == 0);
        expect(oak_scope_error_at(s, 0, &e) == 0 && e.err == -ENOTRECOVERABLE && e.panic == NULL);
    }
    expect(err == -ENOTRECOVERABLE);
}

TEST(child_that_cannot_be_started_leaves_no_trace)
{
    struct big {
        char bytes[4096];
    } big = {{0}};
    oak_scope (s, .limit = 1) {
        oak__fault_set(OAK__FAULT_MALLOC, 0, 1, ENOMEM);
        expect(oak__go_scope(s, (oak__entry)(uintptr_t)abs, NULL, &big, sizeof big) == -ENOMEM);
        expect(s->running == 0);
        expect(oak_go(s, fail_it, s, -EIO) == 0); /* the place is free again */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_fast_cancels_the_rest_at_the_first_error),
        cmocka_unit_test(supervise_lets_the_rest_go_on),
        cmocka_unit_test(race_is_won_by_the_first_success),
        cmocka_unit_test(race_that_nobody_wins_is_lost_with_the_first_error),
        cmocka_unit_test(quorum_needs_so_many_successes),
        cmocka_unit_test(quorum_that_is_not_reached_is_an_error),
        cmocka_unit_test(plain_tasks_report_errors_by_hand),
        cmocka_unit_test(panic_of_a_child_is_an_error_of_the_scope),
        cmocka_unit_test(sixty_four_errors_are_kept),
        cmocka_unit_test(without_memory_the_first_error_is_still_kept),
        cmocka_unit_test(child_that_cannot_be_started_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
