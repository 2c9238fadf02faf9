/*
 * On one P nobody is starved: not by two goroutines that yield to each other, not by two that wake each other through the
 * LIFO slot, not from outside. The bounds are in turns of the others, not in seconds.
 */
#include "../support/part.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>

enum { BOUND = 1000, TURNS = 20 };

static _Atomic int turns;      /* what the third one has achieved */
static _Atomic long exchanges; /* of the two */
static _Atomic bool third_done;

static void yielder(void *unused)
{
    (void)unused;
    while (!atomic_load(&third_done)) {
        atomic_fetch_add(&exchanges, 1);
        oak_yield();
    }
}

static void take_turns(void)
{
    for (int i = 0; i < TURNS; i++) {
        long before = atomic_load(&exchanges);
        oak_yield();
        require(atomic_load(&exchanges) - before <= BOUND);
        atomic_fetch_add(&turns, 1);
    }
    atomic_store(&third_done, true);
}

static int two_yielders(int argc, char **argv)
{
    (void)argc, (void)argv;
    require(oak_spawn(yielder, NULL) == 0);
    require(oak_spawn(yielder, NULL) == 0);
    take_turns();
    return 0;
}

static oak_chan(int) ping, pong;

static void pinger(void *unused)
{
    int v = 0;
    (void)unused;
    while (!atomic_load(&third_done)) {
        atomic_fetch_add(&exchanges, 1);
        require(oak_send(ping, v) == 0);
        require(oak_recv(pong, &v) == 0);
    }
    (void)oak_chan_close(ping);
}

static void ponger(void *unused)
{
    int v;
    (void)unused;
    while (oak_recv(ping, &v) == 0)
        require(oak_send(pong, v) == 0);
}

/* Each of the two makes the other the next to run: without a bound on that slot the third never runs. */
static int two_in_the_next_slot(int argc, char **argv)
{
    (void)argc, (void)argv;
    ping = oak_make(int, 0);
    pong = oak_make(int, 0);
    require(ping && pong);
    require(oak_spawn(pinger, NULL) == 0);
    require(oak_spawn(ponger, NULL) == 0);
    take_turns();
    return 0;
}

static void *outside(void *ch)
{
    for (int i = 0; i < TURNS; i++) {
        long before = atomic_load(&exchanges);
        require(oak_send((oak_chan(long))(uintptr_t)ch, before) == 0);
    }
    return NULL;
}

/* What comes through the global queue has its turn although the local queue is never empty. */
static int from_outside(int argc, char **argv)
{
    (void)argc, (void)argv;
    pthread_t id;
    oak_chan(long) ch = oak_make(long, 0);
    require(ch);
    require(oak_spawn(yielder, NULL) == 0);
    require(oak_spawn(yielder, NULL) == 0);
    require(pthread_create(&id, NULL, outside, (void *)(uintptr_t)ch) == 0);
    for (int i = 0; i < TURNS; i++) {
        long before;
        require(oak_recv(ch, &before) == 0);
    }
    atomic_store(&third_done, true);
    pthread_join(id, NULL);
    return 0;
}

/* A sleeper's timer fires although the P never runs out of goroutines. */
static int a_sleeper(int argc, char **argv)
{
    (void)argc, (void)argv;
    require(oak_spawn(yielder, NULL) == 0);
    require(oak_spawn(yielder, NULL) == 0);
    for (int i = 0; i < TURNS; i++)
        require(oak_sleep(OAK_MILLISECOND) == 0);
    atomic_store(&third_done, true);
    return 0;
}

static void write_byte(void *fd)
{
    require(write(*(int *)fd, "x", 1) == 1);
    yielder(NULL);
}

/* Nor is a descriptor forgotten. */
static int a_reader(int argc, char **argv)
{
    (void)argc, (void)argv;
    static int ends[2];
    char c;
    oak_conn *conn = NULL;
    require(pipe(ends) == 0);
    require(oak_conn_from_fd(ends[0], &conn) == 0);
    require(oak_spawn(yielder, NULL) == 0);
    require(oak_spawn(write_byte, &ends[1]) == 0);
    require(oak_read(conn, &c, 1) == 1);
    atomic_store(&third_done, true);
    return oak_conn_close(conn);
}

static void *thread_with_a_deadline(void *unused)
{
    oak_chan(char) never = oak_make(char, 0);
    char c;
    require(never);
    for (int i = 0; i < TURNS; i++)
        oak_with_timeout (OAK_MILLISECOND)
            require(oak_recv(never, &c) == -ETIMEDOUT);
    require(oak_chan_free(never) == 0);
    atomic_store(&third_done, true);
    return unused;
}

/* A plain thread's contexts end in time although no P is ever idle: one that yields without end... */
static int a_threads_deadline(int argc, char **argv)
{
    (void)argc, (void)argv;
    pthread_t id;
    require(pthread_create(&id, NULL, thread_with_a_deadline, NULL) == 0);
    yielder(NULL);
    pthread_join(id, NULL);
    return 0;
}

/* ... or one that sits in a blocking call, which nobody takes it from because no goroutine waits. */
static int a_deadline_waited_for(int argc, char **argv)
{
    (void)argc, (void)argv;
    pthread_t id;
    require(pthread_create(&id, NULL, thread_with_a_deadline, NULL) == 0);
    pthread_join(id, NULL);
    return 0;
}

static int on_one_p(void *app)
{
    set_procs(1);
    return oak_run(*(int (**)(int, char **))app, 0, NULL);
}

static void third_has_its_turn(int (*app)(int, char **))
{
    assert_true(child_succeeds(on_one_p, &app, false));
}

static void two_yielders_do_not_starve_a_third(void **state)
{
    (void)state;
    third_has_its_turn(two_yielders);
}

static void two_that_wake_each_other_do_not_starve_a_third(void **state)
{
    (void)state;
    third_has_its_turn(two_in_the_next_slot);
}

static void the_global_queue_is_not_starved(void **state)
{
    (void)state;
    third_has_its_turn(from_outside);
}

static void timers_are_not_starved(void **state)
{
    (void)state;
    third_has_its_turn(a_sleeper);
}

static void descriptors_are_not_starved(void **state)
{
    (void)state;
    third_has_its_turn(a_reader);
}

static void deadlines_of_plain_threads_are_not_starved(void **state)
{
    (void)state;
    third_has_its_turn(a_threads_deadline);
    third_has_its_turn(a_deadline_waited_for);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_yielders_do_not_starve_a_third),
        cmocka_unit_test(two_that_wake_each_other_do_not_starve_a_third),
        cmocka_unit_test(the_global_queue_is_not_starved),
        cmocka_unit_test(timers_are_not_starved),
        cmocka_unit_test(descriptors_are_not_starved),
        cmocka_unit_test(deadlines_of_plain_threads_are_not_starved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
