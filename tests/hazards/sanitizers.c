/*
 * Hazard 5: the sanitizers see goroutines. In a build under AddressSanitizer a planted use after free in a goroutine that
 * has been switched many times is reported; under ThreadSanitizer a planted data race between two goroutines is, and what a
 * channel orders is not. In a plain build there is nothing to see.
 */
#include "../support/part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static oak_waitgroup done;

static int run_planted(void *app)
{
    set_procs(2);
    return oak_run(*(int (**)(int, char **))app, 0, NULL);
}

/* Switches back and forth, so that what follows runs on a stack that was left and entered again. */
static void switch_often(void)
{
    for (int i = 0; i < 100; i++)
        oak_yield();
    (void)oak_sleep(OAK_MILLISECOND);
}

static void read_freed(void *unused)
{
    (void)unused;
    char *p = malloc(32);
    char *volatile hidden = p; /* from the compiler, which would see it as well */
    p[3] = 1;
    switch_often();
    free(p);
    switch_often();
    printf("read %d\n", hidden[3]);
    oak_waitgroup_done(&done);
}

static void write_past_array(void *unused)
{
    (void)unused;
    volatile char small[16], *p = small;
    volatile int at = 16;
    small[0] = 0;
    __asm__("" : "+r"(p)); /* or the other sanitizer knows the array's size, and is faster */
    switch_often();
    p[at] = 1;
    printf("wrote %d\n", small[0]);
    oak_waitgroup_done(&done);
}

static int start_and_wait(void (*fn)(void *), int n)
{
    oak_waitgroup_add(&done, n);
    for (int i = 0; i < n; i++)
        require(oak_spawn(fn, NULL) == 0);
    return oak_waitgroup_wait(&done);
}

static int use_after_free(int argc, char **argv)
{
    (void)argc, (void)argv;
    return start_and_wait(read_freed, 1);
}

static int stack_overrun(int argc, char **argv)
{
    (void)argc, (void)argv;
    return start_and_wait(write_past_array, 1);
}

static int counter;
static oak_chan(char) turn;

static void count_alone(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++) {
        counter++;
        if (i % 100 == 0)
            oak_yield();
    }
    oak_waitgroup_done(&done);
}

static void count_in_turn(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++) {
        char c;
        require(oak_recv(turn, &c) == 0);
        counter++;
        require(oak_send(turn, c) == 0);
    }
    oak_waitgroup_done(&done);
}

static int race(int argc, char **argv)
{
    (void)argc, (void)argv;
    return start_and_wait(count_alone, 4);
}

static int no_race(int argc, char **argv)
{
    (void)argc, (void)argv;
    turn = oak_make(char, 1);
    require(turn && oak_send(turn, 0) == 0);
    int err = start_and_wait(count_in_turn, 4);
    require(counter == 4000);
    return err;
}

static struct outcome o;

static void planted(int (*app)(int, char **))
{
    in_child(&o, run_planted, &app);
}

static void a_use_after_free_in_a_goroutine_is_reported(void **state)
{
    (void)state;
    if (!UNDER_ASAN)
        skip();
    planted(use_after_free);
    assert_false(exited_with(&o, 0));
    assert_true(said(&o, "heap-use-after-free"));
    assert_true(said(&o, "read_freed"));
}

static void an_overrun_on_a_goroutines_stack_is_reported(void **state)
{
    (void)state;
    if (!UNDER_ASAN)
        skip();
    planted(stack_overrun);
    assert_false(exited_with(&o, 0));
    assert_true(said(&o, "stack-buffer-overflow"));
    assert_true(said(&o, "write_past_array"));
}

static void a_data_race_between_goroutines_is_reported(void **state)
{
    (void)state;
    if (!UNDER_TSAN)
        skip();
    planted(race);
    assert_false(exited_with(&o, 0));
    assert_true(said(&o, "data race"));
    assert_true(said(&o, "count_alone"));
}

static void what_a_channel_orders_is_no_race(void **state)
{
    (void)state;
    int (*app)(int, char **) = no_race;
    assert_true(child_succeeds(run_planted, &app, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_use_after_free_in_a_goroutine_is_reported),
        cmocka_unit_test(an_overrun_on_a_goroutines_stack_is_reported),
        cmocka_unit_test(a_data_race_between_goroutines_is_reported),
        cmocka_unit_test(what_a_channel_orders_is_no_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
