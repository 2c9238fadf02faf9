#include "inspect/walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>

static const void *const code = (const void *)(uintptr_t)abort;

/* Builds a record at stack[i] whose caller's is at stack[up]. */
static void record(const void **stack, int i, int up, const void *pc)
{
    stack[i] = &stack[up];
    stack[i + 1] = pc;
}

static void walks_to_the_end_of_a_chain(void **state)
{
    (void)state;
    const void *stack[64] = {NULL}, *frames[8];
    record(stack, 4, 10, (const char *)code + 1);
    record(stack, 10, 20, (const char *)code + 2);
    stack[20] = NULL;
    stack[21] = (const char *)code + 3;
    assert_int_equal(oak__walk(&stack[4], stack, stack + 64, frames, 8), 3);
    assert_ptr_equal(frames[0], (const char *)code + 1);
    assert_ptr_equal(frames[2], (const char *)code + 3);
}

static void gives_no_more_than_asked(void **state)
{
    (void)state;
    const void *stack[64] = {NULL}, *frames[2] = {NULL, NULL};
    for (int i = 0; i < 60; i += 2)
        record(stack, i, i + 2, code);
    assert_int_equal(oak__walk(&stack[0], stack, stack + 64, frames, 1), 1);
    assert_null(frames[1]);
    assert_int_equal(oak__walk(&stack[0], stack, stack + 64, frames, 0), 0);
}

static void stops_where_a_record_points_to_itself_or_back(void **state)
{
    (void)state;
    const void *stack[64] = {NULL}, *frames[32];
    record(stack, 4, 4, code);
    assert_int_equal(oak__walk(&stack[4], stack, stack + 64, frames, 32), 1);
    record(stack, 4, 8, code);
    record(stack, 8, 4, code);
    assert_int_equal(oak__walk(&stack[4], stack, stack + 64, frames, 32), 2);
}

static void stops_at_what_is_no_code(void **state)
{
    (void)state;
    const void *stack[64] = {NULL}, *frames[32];
    oak__text_refresh();
    record(stack, 4, 8, code);
    record(stack, 8, 12, stack);
    record(stack, 12, 16, code);
    assert_int_equal(oak__walk(&stack[4], stack, stack + 64, frames, 32), 1);
    assert_true(oak__text_has(code));
    assert_false(oak__text_has(stack));
    assert_false(oak__text_has(NULL));
}

/* The page before and the page after fault: any read outside the bounds ends the test. */
static void never_reads_outside_the_bounds(void **state)
{
    (void)state;
    char *map = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    char *lo = map + 4096, *hi = lo + 4096;
    assert_int_equal(mprotect(lo, 4096, PROT_READ | PROT_WRITE), 0);
    const void *frames[32];
    const void *bad[] = {NULL,
                         map,
                         lo - 8,
                         hi - 8,
                         hi,
                         hi + 8,
                         lo + 1,
                         hi - 1,
                         hi - 9,
                         (void *)1024,
                         (void *)(UINTPTR_MAX - 7),
                         (void *)UINTPTR_MAX};
    for (size_t i = 0; i < countof(bad); i++) {
        assert_int_equal(oak__walk(bad[i], lo, hi, frames, 32), 0);
        const void **r = (const void **)lo;
        r[0] = bad[i];
        r[1] = code;
        assert_int_equal(oak__walk(lo, lo, hi, frames, 32), 1);
    }
    munmap(map, 3 * 4096);
}

static void random_words_do_no_harm(void **state)
{
    (void)state;
    enum { WORDS = 512 };
    static const void *stack[WORDS];
    const void *frames[32];
    unsigned seed = 1;
    for (int round = 0; round < 2000; round++) {
        for (int i = 0; i < WORDS; i++) {
            seed = seed * 1664525 + 1013904223;
            unsigned r = seed >> 8;
            stack[i] = r % 3 == 0   ? code
                       : r % 3 == 1 ? (const void *)&stack[r % WORDS]
                                    : (const void *)(uintptr_t)r;
        }
        int n = oak__walk(&stack[round % WORDS], stack, stack + WORDS, frames, 32);
        assert_in_range(n, 0, 32);
    }
}

static NOINLINE int depth(int n, const void **frames)
{
    int found;
    if (n > 0)
        found = depth(n - 1, frames);
    else
        found = oak__walk(__builtin_frame_address(0), __builtin_frame_address(0),
                          (const char *)__builtin_frame_address(0) + 4096, frames, 32);
    /* Not a tail call. */
    __asm__ volatile("" : "+r"(found));
    return found;
}

static void walks_a_real_stack(void **state)
{
    (void)state;
    const void *frames[32];
    int n = depth(5, frames);
    assert_true(n >= 6);
    for (int i = 1; i < 5; i++)
        assert_ptr_equal(frames[i], frames[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_to_the_end_of_a_chain),
        cmocka_unit_test(gives_no_more_than_asked),
        cmocka_unit_test(stops_where_a_record_points_to_itself_or_back),
        cmocka_unit_test(stops_at_what_is_no_code),
        cmocka_unit_test(never_reads_outside_the_bounds),
        cmocka_unit_test(random_words_do_no_harm),
        cmocka_unit_test(walks_a_real_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
