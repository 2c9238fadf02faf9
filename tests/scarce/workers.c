/*
 * A program that is refused threads: it goes on with those it has, does not ask for another one at each wake-up, and gets its threads
 * when there are some again.
 */
#include "refuse.h"

enum {
    FIRST_THREADS = 2 /* a worker and the monitor */,
    ROUNDS = 20000,
    ROUNDS_EMULATED = 2000 /* there is less room for stacks */
};

static _Atomic int ran;
static int64_t begin;

OAK_TASK(one)
{
    fetch_add_relaxed(&ran, 1);
}

/* Each round leaves goroutines queued while the other P is idle: a worker is wanted each time. */
static void want_a_worker_again_and_again(void)
{
    const int rounds = getenv("OAK_TEST_EMULATED") ? ROUNDS_EMULATED : ROUNDS;
    for (int i = 0; i < rounds; i++) {
        expect(oak_go_detached(one) == 0);
        expect(oak_go_detached(one) == 0);
        oak_yield();
    }
}

static void wait_for(int n)
{
    while (load_relaxed(&ran) < n)
        cpu_relax();
}

static int asked_again_app(int argc, char **argv)
{
    (void)argc, (void)argv;
    want_a_worker_again_and_again();
    int asked = asked_for(OAK__FAULT_THREAD) - FIRST_THREADS;
    int64_t took = oak_now() - begin;
    expect(asked > 0);
    /* No more often than each millisecond, which is the least pause. */
    expect(asked <= 2 + took / OAK_MILLISECOND);
    relent();
    /* Never in the runtime from here on: somebody else must run it. */
    int before = load_relaxed(&ran);
    expect(oak_go_detached(one) == 0);
    wait_for(before + 1);
    return 0;
}

static int is_asked_again(void *arg)
{
    (void)arg;
    set_procs(2);
    begin = oak_now();
    refuse(OAK__FAULT_THREAD, FIRST_THREADS, INT_MAX);
    return oak_run(asked_again_app, 0, NULL);
}

static void a_refused_thread_is_not_asked_for_at_each_wake_up(void **state)
{
    (void)state;
    assert_true(child_succeeds(is_asked_again, NULL, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_thread_is_not_asked_for_at_each_wake_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
