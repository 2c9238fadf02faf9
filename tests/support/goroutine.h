/*
 * For tests whose bodies run as goroutines. cmocka's assertions jump, which no goroutine may do out of its
 * own stack: use expect(), which says what does not hold and ends the process.
 */
#ifndef OAK_TESTS_SUPPORT_GOROUTINE_H
#define OAK_TESTS_SUPPORT_GOROUTINE_H

#include "support/expect.h"

#include <oakum.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

/* What follows is the body of name##_app, to be run by oak_run, and of name##_body. */
#define TEST_BODY(name)                                                                                      \
    static void name##_body(void);                                                                           \
    static int name##_app(int argc, char **argv)                                                             \
    {                                                                                                        \
        (void)argc, (void)argv;                                                                              \
        name##_body();                                                                                       \
        return 0;                                                                                            \
    }

/* TEST(name) { body } defines a cmocka test `name` whose body runs as the main goroutine. */
#define TEST(name)                                                                                           \
    TEST_BODY(name)                                                                                          \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        assert_int_equal(oak_run(name##_app, 0, NULL), 0);                                                   \
    }                                                                                                        \
    static void name##_body(void)

/* Yields until cond holds; the test's time limit is the only other way out. */
#define wait_until(cond)                                                                                     \
    do {                                                                                                     \
        while (!(cond))                                                                                      \
            (void)oak_sleep(100 * OAK_MICROSECOND);                                                          \
    } while (0)

#endif
