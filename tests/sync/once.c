/* Once: one run, everybody waits for it, a panic counts as run. */
#include "../support/goroutine.h"

#include <string.h>

struct scene {
    oak_once o;
    oak_waitgroup wg;
    oak_ctx *c;
    _Atomic int runs, callers, returned;
    _Atomic bool go;
};

static void run(void *arg)
{
    struct scene *s = arg;
    s->runs++;
    oak_yield();
    wait_until(s->go);
    s->runs += 100;
}

OAK_TASK(call, struct scene *, s)
{
    s->callers++;
    expect(oak_once_do(&s->o, run, s) == 0);
    expect(s->runs == 101);
    s->returned++;
    oak_waitgroup_done(&s->wg);
}

TEST(runs_once_and_all_callers_wait_for_it)
{
    struct scene s = {0};
    oak_waitgroup_add(&s.wg, 8);
    for (int i = 0; i < 8; i++)
        expect(oak_go_detached(call, &s) == 0);
    wait_until(s.callers == 8);
    expect(s.returned == 0);
    s.go = true;
    expect(oak_waitgroup_wait(&s.wg) == 0);
    expect(s.runs == 101);
    expect(oak_once_do(&s.o, run, &s) == 0);
    expect(s.runs == 101);
}

static int inner;

static void call_again(void *o)
{
    inner = oak_once_do(o, call_again, o);
}

TEST(calling_from_its_own_run_is_a_deadlock_said_so)
{
    oak_once o = {0};
    expect(oak_once_do(&o, call_again, &o) == 0);
    expect(inner == -EDEADLK);
}

static void panic(void *count)
{
    ++*(int *)count;
    oak_panic("no");
}

static oak_once panicking;

static void do_panicking(void *count)
{
    int err = oak_once_do(&panicking, panic, count);
    (void)err;
}

TEST(panic_counts_as_run)
{
    int count = 0;
    struct oak_panic_info p;
    expect(oak_recover(do_panicking, &count, &p) == -ENOTRECOVERABLE);
    expect(strcmp(p.message, "no") == 0);
    expect(oak_once_do(&panicking, panic, &count) == 0);
    expect(count == 1);
}

OAK_TASK(run_it, struct scene *, s)
{
    expect(oak_once_do(&s->o, run, s) == 0);
    oak_waitgroup_done(&s->wg);
}

TEST(waiting_for_the_run_is_cancelled_the_run_is_not)
{
    struct scene s = {0};
    oak_waitgroup_add(&s.wg, 1);
    expect(oak_go_detached(run_it, &s) == 0);
    wait_until(s.runs == 1);
    oak_with_timeout (OAK_MILLISECOND) {
        expect(oak_once_do(&s.o, run, &s) == -ETIMEDOUT);
        expect(oak_once_do(&s.o, run, &s) == -ETIMEDOUT);
    }
    s.go = true;
    expect(oak_waitgroup_wait(&s.wg) == 0);
    oak_with_timeout (0)
        expect(oak_once_do(&s.o, run, &s) == 0); /* has run: nothing to wait for */
}

TEST(null_is_refused)
{
    oak_once o = {0};
    expect(oak_once_do(NULL, panic, NULL) == -EINVAL);
    expect(oak_once_do(&o, NULL, NULL) == -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_once_and_all_callers_wait_for_it),
        cmocka_unit_test(calling_from_its_own_run_is_a_deadlock_said_so),
        cmocka_unit_test(panic_counts_as_run),
        cmocka_unit_test(waiting_for_the_run_is_cancelled_the_run_is_not),
        cmocka_unit_test(null_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
