/*
 * On one P: a goroutine that computes without end, or sits in somebody's blocking call, does not stop the others. What they
 * must achieve meanwhile is counted in events, never in seconds; if the P stays where it is nothing ever ends, and the child
 * is ended.
 */
#include "../support/part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>

enum { EVENTS = 200 };

static _Atomic int events;
static int ends[2];

static void make_events(void *unused)
{
    (void)unused;
    for (int i = 0; i < EVENTS; i++) {
        atomic_fetch_add(&events, 1);
        oak_yield();
    }
}

/* Computes until others have got on: without a runtime call, so nothing but the monitor can take the P. */
static int hog(int argc, char **argv)
{
    (void)argc, (void)argv;
    require(oak_spawn(make_events, NULL) == 0);
    while (atomic_load_explicit(&events, memory_order_relaxed) < EVENTS)
        spin(1);
    oak_yield(); /* and it comes back */
    return 0;
}

static void hog_goroutine(void *unused)
{
    (void)unused;
    while (atomic_load_explicit(&events, memory_order_relaxed) < EVENTS)
        spin(1);
}

/* More hogs than Ps and than processors: each is taken off its P in turn. */
static int hogs(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (int i = 0; i < 5; i++)
        require(oak_spawn(hog_goroutine, NULL) == 0);
    make_events(NULL);
    return 0;
}

static void write_when_done(void *unused)
{
    make_events(unused);
    require(write(ends[1], "x", 1) == 1);
}

static int in_read(int argc, char **argv)
{
    (void)argc, (void)argv;
    char c;
    require(pipe(ends) == 0);
    require(oak_spawn(write_when_done, NULL) == 0);
    require(read(ends[0], &c, 1) == 1);
    require(atomic_load(&events) == EVENTS);
    oak_yield();
    return 0;
}

static int in_usleep(int argc, char **argv)
{
    (void)argc, (void)argv;
    require(oak_spawn(make_events, NULL) == 0);
    while (atomic_load(&events) < EVENTS)
        usleep(1000);
    return 0;
}

/* Twice as many blocked threads as any reasonable first guess at how many threads are needed. */
static void sit_in_read(void *unused)
{
    char c;
    (void)unused;
    require(read(ends[0], &c, 1) == 1);
}

static int many_in_read(int argc, char **argv)
{
    (void)argc, (void)argv;
    enum { MANY = 40 };
    char text[MANY] = {0};
    require(pipe(ends) == 0);
    for (int i = 0; i < MANY; i++)
        require(oak_spawn(sit_in_read, NULL) == 0);
    make_events(NULL);
    require(write(ends[1], text, MANY) == MANY);
    return 0;
}

static int announced_read(int argc, char **argv)
{
    (void)argc, (void)argv;
    char c = 0;
    ssize_t n = 0;
    require(pipe(ends) == 0);
    require(oak_spawn(write_when_done, NULL) == 0);
    oak_blocking {
        n = read(ends[0], &c, 1);
    }
    require(n == 1 && c == 'x' && atomic_load(&events) == EVENTS);
    return 0;
}

static int (*app)(int, char **);

static int on_ps(void *procs)
{
    set_procs(*(int *)procs);
    return oak_run(app, 0, NULL);
}

static void others_get_on(int (*fn)(int, char **))
{
    app = fn;
    for (int procs = 1; procs <= 2; procs++)
        assert_true(child_succeeds(on_ps, &procs, false));
}

static void a_computing_goroutine_stops_nobody(void **state)
{
    (void)state;
    others_get_on(hog);
}

static void more_hogs_than_processors_stop_nobody(void **state)
{
    (void)state;
    others_get_on(hogs);
}

static void a_read_that_others_must_answer_stops_nobody(void **state)
{
    (void)state;
    others_get_on(in_read);
}

static void usleep_stops_nobody(void **state)
{
    (void)state;
    others_get_on(in_usleep);
}

static void forty_blocked_threads_stop_nobody(void **state)
{
    (void)state;
    others_get_on(many_in_read);
}

static void an_announced_call_stops_nobody(void **state)
{
    (void)state;
    others_get_on(announced_read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_computing_goroutine_stops_nobody),
        cmocka_unit_test(more_hogs_than_processors_stop_nobody),
        cmocka_unit_test(a_read_that_others_must_answer_stops_nobody),
        cmocka_unit_test(usleep_stops_nobody),
        cmocka_unit_test(forty_blocked_threads_stop_nobody),
        cmocka_unit_test(an_announced_call_stops_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
