/*
 * The monitor handles the stacks of parked goroutines: what is in its frames then must not hide a leak. Here it is caught in
 * the middle of its work with the leaked goroutine's channel on its stack.
 */
#include "leaktest.h"

#include "sched/m.h"
#include "sched/sched.h"

typedef oak_chan(int) ints;

static void *_Atomic in_hand; /* what the monitor is to have on its stack */
static _Atomic bool caught, release;
static struct oak__timer timer;

/* The only P is busy in main: nobody but the monitor runs the timers of plain threads. */
static void on_the_monitor(struct oak__timer *t, uint64_t unused)
{
    (void)t, (void)unused;
    const char *name = load_relaxed(&oak__m_self()->stand_in.name);
    if (!name || strcmp(name, "oakum monitor") != 0)
        abort();
    void *volatile held[64];
    for (size_t i = 0; i < countof(held); i++)
        held[i] = in_hand;
    store_release(&caught, true);
    while (!load_acquire(&release))
        oak__os_sleep(OAK_MILLISECOND);
    held[0] = NULL;
}

static void receive_for_ever(void *ch)
{
    int v;
    if (oak_recv((ints)(uintptr_t)ch, &v) == 0)
        abort();
}

/* Its own frame, so that the channel is on no stack afterwards but as its complement. */
static NOINLINE uintptr_t leak_one(void)
{
    ints ch = oak_make(int, 0);
    go("leaked", receive_for_ever, (void *)(uintptr_t)ch);
    settle("leaked", 1);
    return ~(uintptr_t)ch;
}

static NOINLINE void catch_monitor(uintptr_t complement)
{
    in_hand = (void *)~complement;
    /* What this goroutine did last may have taken it so long that its P was taken; and while every P is idle the monitor sleeps. */
    oak__enter();
    oak__timer_arm(&oak__sched->thread_wheel, &timer, 1, on_the_monitor, 0);
    oak__exit();
    while (!load_acquire(&caught))
        cpu_relax();
    in_hand = NULL;
}

static void leak_behind_the_monitor(struct scene *s)
{
    catch_monitor(leak_one());
    check_now(s);
    store_release(&release, true);
}

static void what_the_monitor_has_in_hand_is_no_reference(void **state)
{
    (void)state;
    assert_proven(leak_behind_the_monitor, "leaked", 1);
}

int main(void)
{
    if (OAK_ASAN || OAK_TSAN) {
        fprintf(stderr, "the heap is a sanitizer's: less is proven\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_monitor_has_in_hand_is_no_reference),
    };
    setenv("OAK_PROCS", "1", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
