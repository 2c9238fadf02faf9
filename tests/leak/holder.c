/*
 * Who holds a lock is counted once, however it is found to be alive: what globals refer to is looked at before the stacks of those who
 * run, so a holder may be known to live before the lock is reached at all.
 */
#include "leaktest.h"

static oak_chan(int) gate; /* by this global the holder lives */
static uintptr_t hidden; /* the mutex's complement: neither a global nor the holder's stack has its address */

static NOINLINE void lock_hidden(void)
{
    if (oak_mutex_lock((oak_mutex *)~hidden))
        abort();
}

static NOINLINE void unlock_hidden(void)
{
    oak_mutex_unlock((oak_mutex *)~hidden);
}

static void hold(void *unused)
{
    int v;
    (void)unused;
    lock_hidden();
    scrub_stack();
    if (oak_recv(gate, &v))
        abort();
    unlock_hidden();
}

static void wait_for_it(void *mu)
{
    if (oak_mutex_lock(mu))
        abort();
    oak_mutex_unlock(mu);
}

static void known_by_one_who_runs(struct scene *s)
{
    oak_mutex *volatile mu = calloc(1, sizeof *mu);
    if (!mu)
        abort();
    hidden = ~(uintptr_t)mu;
    gate = oak_make(int, 0);
    go("holder", hold, NULL);
    settle("holder", 1);
    go("waiter", wait_for_it, mu);
    settle("waiter", 1);
    check_now(s);
    if (oak_send(gate, 1))
        abort();
    settle("waiter", 0);
    free(mu);
}

static void a_holder_is_counted_once(void **state)
{
    (void)state;
    assert_proven(known_by_one_who_runs, "waiter", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_holder_is_counted_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
