/*
 * Leak checks in cmocka tests, in one line each:
 *
 *     #include <oakum/cmocka.h>
 *     ...
 *     const struct CMUnitTest tests[] = {
 *         oak_leak_unit_test(orders_are_confirmed),    // fails when it leaves a goroutine behind
 *     };
 *     return cmocka_run_group_tests(tests, NULL, NULL);
 *
 * or, where tests share goroutines, once for all of them:
 *
 *     return oak_leak_run_group_tests(tests, NULL, NULL);
 *
 * A test that has a set-up and a tear-down of its own calls oak_leak_setup at the end of the one and oak_leak_teardown
 * at the end of the other, after it has stopped what it started. Not part of oakum.h.
 */
#ifndef OAKUM_CMOCKA_H
#define OAKUM_CMOCKA_H

#include <oakum/verify.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* What is looked at, and for how long: change it before the tests run. Each source file that includes this header has its
 * own. */
static struct oak_leak_verify_opts oak_cmocka_opts;

/* Set-up of one test: remembers the goroutines that there are. 0 or -1, as cmocka wants it. */
static inline int oak_leak_setup(void **state);
/* Tear-down of one test: -1, which fails the test, when goroutines are left that were not there at the set-up. */
static inline int oak_leak_teardown(void **state);

/* A test for cmocka's list that fails when it leaves a goroutine behind. */
#define oak_leak_unit_test(f) cmocka_unit_test_setup_teardown(f, oak_leak_setup, oak_leak_teardown)

/* cmocka_run_group_tests whose result is 1 when all tests pass but the group leaves a goroutine behind. (cmocka does not
 * count a group's tear-down that fails.) */
#define oak_leak_run_group_tests(tests, setup, teardown)                                                     \
    (oak__cmocka_group_begin() ? 1 : oak__cmocka_group_end(cmocka_run_group_tests(tests, setup, teardown)))

/* ---- what the macros stand on; not for direct use ---- */

static oak_leak_mark *oak__cmocka_test_mark, *oak__cmocka_group_mark;

static inline int oak__cmocka_verify(oak_leak_mark **mark)
{
    struct oak_leak_verify_opts opts = oak_cmocka_opts;
    opts.current = *mark;
    int left = oak_leak_verify_none(&opts);
    oak_leak_mark_free(*mark);
    *mark = NULL;
    return left ? -1 : 0;
}

static inline int oak_leak_setup(void **state)
{
    (void)state;
    oak__cmocka_test_mark = oak_leak_mark_take();
    return oak__cmocka_test_mark ? 0 : -1;
}

static inline int oak_leak_teardown(void **state)
{
    (void)state;
    return oak__cmocka_verify(&oak__cmocka_test_mark);
}

static inline int oak__cmocka_group_begin(void)
{
    oak__cmocka_group_mark = oak_leak_mark_take();
    return oak__cmocka_group_mark ? 0 : 1;
}

static inline int oak__cmocka_group_end(int failed)
{
    return oak__cmocka_verify(&oak__cmocka_group_mark) && !failed ? 1 : failed;
}

#endif
