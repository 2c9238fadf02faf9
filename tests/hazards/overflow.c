/*
 * A goroutine that runs off its stack is stopped at the guard and reported; nothing beyond the guard is ever written. The
 * same for each size of stack, for frames that are larger than a page, and for the thread's own stack.
 */
#include "../support/part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct outcome o;
static volatile char sink;
static volatile bool for_ever = true; /* what the compiler does not know */

/* Eats the stack in steps of about a kilobyte. */
static __attribute__((noinline)) int recurse(int depth)
{
    volatile char frame[1000];
    frame[depth % 1000] = (char)depth;
    int deeper = for_ever ? recurse(depth + 1) : 0;
    sink = frame[(depth + 1) % 1000];
    return deeper + sink;
}

static void run_off(void *unused)
{
    (void)unused;
    printf("%d\n", recurse(0));
}

static void run_off_with_pages(void *unused)
{
    (void)unused;
    volatile char frame[6000];
    for (int i = 0; i < 6000; i++)
        frame[i] = 1;
    sink = frame[7];
    if (for_ever)
        run_off_with_pages((void *)&frame[0]);
    sink = frame[8];
}

struct plan {
    void (*fn)(void *);
    size_t stack;
    bool recover;
};

static struct plan plan;

static int overflow_app(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct oak_spawn_opts opts = {.name = "deep", .stack_size = plan.stack};
    if (plan.recover)
        (void)oak_panic_on_fault(true);
    require(oak_spawn_with(&opts, plan.fn, NULL) == 0);
    return oak_sleep(OAK_MINUTE);
}

static int in_runtime(void *unused)
{
    (void)unused;
    return oak_run(overflow_app, 0, NULL);
}

static void is_reported(struct plan p)
{
    if (UNDER_ASAN || UNDER_TSAN)
        skip(); /* they have reports of their own */
    plan = p;
    in_child(&o, in_runtime, NULL);
    if (!WIFSIGNALED(o.status) || !said(&o, "stack overflow"))
        fputs(o.text, stderr);
    assert_true(WIFSIGNALED(o.status));
    assert_int_not_equal(WTERMSIG(o.status), SIGALRM);
    assert_true(said(&o, "stack overflow"));
    assert_true(said(&o, "deep"));
}

static void an_overflow_is_reported_with_the_goroutines_name(void **state)
{
    (void)state;
    is_reported((struct plan){.fn = run_off});
}

static void so_is_one_on_a_small_stack(void **state)
{
    (void)state;
    is_reported((struct plan){.fn = run_off, .stack = 16 * 1024});
}

static void so_is_one_on_a_large_stack(void **state)
{
    (void)state;
    is_reported((struct plan){.fn = run_off_with_pages, .stack = 1024 * 1024});
}

static void it_never_becomes_a_panic(void **state)
{
    (void)state;
    is_reported((struct plan){.fn = run_off, .recover = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_overflow_is_reported_with_the_goroutines_name),
        cmocka_unit_test(so_is_one_on_a_small_stack),
        cmocka_unit_test(so_is_one_on_a_large_stack),
        cmocka_unit_test(it_never_becomes_a_panic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
