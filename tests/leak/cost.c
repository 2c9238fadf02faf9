/* What a check costs: its memory, and that it reads nothing that it need not. */
#include "leaktest.h"

typedef oak_chan(int) ints;
enum { MANY = 3000, VERY_MANY = OAK_TSAN ? 3000 : 60000 };

static ints gate;

static void receive_at_gate(void *unused)
{
    int v;
    (void)unused;
    if (oak_recv(gate, &v) == 0)
        abort();
}

/* A large block makes the analysis look for others of its kind in all memory. */
static void many_parked(struct scene *s)
{
    void *large = calloc(1, 8 << 20);
    if (!large)
        abort();
    gate = oak_make(int, 0);
    for (int i = 0; i < MANY; i++)
        go("parked", receive_at_gate, NULL);
    settle("parked", MANY);
    check_now(s);
    oak_chan_close(gate);
    free(large);
}

/* A fault each, and a mapping to cover it: with tens of thousands of goroutines the clone would run out of mappings. */
static void no_guard_page_is_read(void **state)
{
    (void)state;
    struct scene *s = play(many_parked);
    assert_int_equal(s->report->unreadable, 0);
    assert_int_equal(proven(s, "parked"), 0);
    done(s);
}

static void the_report_says_what_the_analysis_took(void **state)
{
    (void)state;
    struct scene *s = play(many_parked);
    assert_true(oak_leak_heap(s->report) >= 8 << 20 || !s->report->glibc);
    assert_true(oak_leak_memory(s->report) > 0);
    assert_int_equal(oak_leak_memory(NULL), 0);
    assert_int_equal(oak_leak_heap(NULL), 0);
    done(s);
}

/* Some of their descriptors begin like a block with a mapping of its own, as long as they have not run. */
static void many_not_run(struct scene *s)
{
    const int n = getenv("OAK_TEST_EMULATED") ? MANY : VERY_MANY; /* there is less room for stacks */
    gate = oak_make(int, 0);
    for (int i = 0; i < n; i++)
        go("new", receive_at_gate, NULL);
    check_now(s);
    oak_chan_close(gate);
}

static void those_that_have_not_run_are_no_blocks(void **state)
{
    (void)state;
    struct scene *s = play(many_not_run);
    assert_int_equal(oak_leak_exact_heap(s->report), !OAK_ASAN && !OAK_TSAN);
    done(s);
}

int main(void)
{
    setenv("OAK_PROCS", "1", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_that_have_not_run_are_no_blocks),
        cmocka_unit_test(no_guard_page_is_read),
        cmocka_unit_test(the_report_says_what_the_analysis_took),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
