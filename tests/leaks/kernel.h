/*
 * A program of the corpus: a published bug, or a healthy program that looks like one, and what must be proven of it.
 *
 *     OAK_TASK(reader, oak_chan(int), ch) { ... }
 *     KERNEL { ... oak_go_detached(reader, ch) ... }
 *     LEAKS(reader);
 *
 * KERNEL is run as a goroutine of its own, and ends. What is left then and blocked of the functions that LEAKS names is
 * leaked: that is the truth, known from the program's text. oak_leak_check must prove exactly those. LIVE names functions
 * whose goroutines stay as well and must not be proven. Nothing else may be left. A kernel whose own goroutine is the
 * one that leaks names `kernel`.
 *
 * The program prints a line and ends with 0; 1: a leak was missed; 2: something was proven falsely; 3: this time nothing
 * leaked; 4: it is not what it says (something else was left, or nothing came to rest).
 */
#ifndef OAK_TESTS_LEAKS_KERNEL_H
#define OAK_TESTS_LEAKS_KERNEL_H

#include <oakum.h>

#include <stdio.h>
#include <stdlib.h>

/* Functions' addresses, as reports give them. */
extern const void *const kernel_leaks[];
extern const void *const kernel_live[] __attribute__((weak)); /* where there are such */

void kernel(void *unused);

#define KERNEL     void kernel(void *unused __attribute__((unused)))
#define LEAKS(...) const void *const kernel_leaks[] = {KERNEL__FUNCTIONS(__VA_ARGS__) NULL}
#define LIVE(...)  const void *const kernel_live[] = {KERNEL__FUNCTIONS(__VA_ARGS__) NULL}
/* For a healthy program. */
#define NOTHING_LEAKS const void *const kernel_leaks[] = {NULL}

#define KERNEL__FUNCTIONS(...)                                                                               \
    KERNEL__F(__VA_ARGS__, KERNEL__5, KERNEL__4, KERNEL__3, KERNEL__2, KERNEL__1)(__VA_ARGS__)
#define KERNEL__F(a, b, c, d, e, f, ...) f
#define KERNEL__1(a)                     (const void *)(a),
#define KERNEL__2(a, ...)                KERNEL__1(a) KERNEL__1(__VA_ARGS__)
#define KERNEL__3(a, ...)                KERNEL__1(a) KERNEL__2(__VA_ARGS__)
#define KERNEL__4(a, ...)                KERNEL__1(a) KERNEL__3(__VA_ARGS__)
#define KERNEL__5(a, ...)                KERNEL__1(a) KERNEL__4(__VA_ARGS__)

/* What must hold for the program to be what it says. */
#define must(cond)                                                                                           \
    do {                                                                                                     \
        if (!(cond)) {                                                                                       \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond);                        \
            _Exit(4);                                                                                        \
        }                                                                                                    \
    } while (0)

/* A new goroutine: must not fail. */
#define go(...) must(oak_go_detached(__VA_ARGS__) == 0)

/* Waits until so many goroutines of a function wait (for anything but a timer or I/O). */
void kernel_wait_blocked(const void *fn, int n);
/* Waits until so many goroutines, all in all, are there besides the kernel. */
void kernel_wait_left(int n);

#endif
