/*
 * Who keeps a channel on its stack or in its registers: told to keep it, then to forget it, then to end. A goroutine or a thread.
 */
#ifndef OAK_TESTS_HELDKEEPER_H
#define OAK_TESTS_HELDKEEPER_H

#include "heldtest.h"

#include <semaphore.h>
#include <unistd.h>

static sem_t has_done;

/* How the keeper of this test waits for the next word. */
static void (*next_word)(void);

static void (*how)(void); /* it keeps it */

static void done_that(void)
{
    sem_post(&has_done);
}

static void until_done(void)
{
    while (sem_wait(&has_done))
        ;
}

/* ---- ways to keep it ---- */

static NOINLINE void keep_in_frame(void)
{
    void *volatile mine = NULL;
    put_at(&mine);
    scrub_stack(); /* or the frames of the wait below may have it, where nothing is written */
    done_that();
    next_word();
    mine = NULL;
    done_that();
    next_word();
}

static NOINLINE void keep_deep(int levels)
{
    volatile char frame[200];
    frame[0] = (char)levels;
    if (levels > 0)
        keep_deep(levels - 1);
    else
        keep_in_frame();
    (void)frame[0];
}

static void keep_in_deep_frame(void)
{
    keep_deep(40);
}

/* Over a call it is in a register that calls preserve, saved by whoever needs that register. */
static NOINLINE void use(void *p)
{
    __asm__ volatile("" ::"r"(p) : "memory");
}

static NOINLINE void keep_over_a_call(void)
{
    void *mine = reveal();
    __asm__ volatile("" : "+r"(mine)); /* computed here, not after the call */
    done_that();
    next_word();
    use(mine);
}

static void keep_in_saved_register(void)
{
    keep_over_a_call(); /* the functions that it called have saved that register */
    scrub_stack();
    done_that();
    next_word();
}

static volatile char stop, in_register;

/* In a register alone, while the keeper computes; it says so once the register has it. */
static NOINLINE void keep_in_register(void)
{
    stop = in_register = 0;
    done_that();
#if defined(__x86_64__)
    __asm__ volatile("movb $1, %[in]\n1: pause\n\tcmpb $0, %[stop]\n\tje 1b\n\txor %[p], %[p]"
                     : [in] "=m"(in_register)
                     : [p] "r"(reveal()), [stop] "m"(stop)
                     : "memory", "cc");
#elif defined(__aarch64__)
    __asm__ volatile("mov w9, #1\n\tstrb w9, %[in]\n1: ldrb w9, %[stop]\n\tcbz w9, 1b"
                     : [in] "=Q"(in_register)
                     : "r"(reveal()), [stop] "Q"(stop)
                     : "x9", "memory");
#endif
    done_that();
    next_word();
}

static NOINLINE void keep_in_vector_register(void)
{
    stop = in_register = 0;
    done_that();
#if defined(__x86_64__)
    __asm__ volatile("movq %[p], %%xmm7\n\txor %[p], %[p]\n\tmovb $1, %[in]\n"
                     "1: pause\n\tcmpb $0, %[stop]\n\tje 1b\n\tpxor %%xmm7, %%xmm7"
                     : [in] "=m"(in_register)
                     : [p] "r"(reveal()), [stop] "m"(stop)
                     : "memory", "cc", "xmm7");
#elif defined(__aarch64__)
    __asm__ volatile("fmov d7, %[p]\n\tmov %[p], #0\n\tmov w9, #1\n\tstrb w9, %[in]\n"
                     "1: ldrb w9, %[stop]\n\tcbz w9, 1b\n\tfmov d7, xzr"
                     : [in] "=Q"(in_register)
                     : [p] "r"(reveal()), [stop] "Q"(stop)
                     : "x9", "d7", "memory");
#endif
    done_that();
    next_word();
}

static void until_in_register(void)
{
    while (!in_register)
        usleep(100);
}

/* ---- what is dead is no reference ---- */

/* Far below the stack pointer: nearer, it would be in the holes of the frames of the call that waits. */
static NOINLINE void fill_frame(void)
{
    void *volatile mine[1000];
    for (size_t i = 0; i < 100; i++)
        put_at(&mine[i]);
}

static void leave_dead_frames(void)
{
    fill_frame();
    done_that();
    next_word();
    scrub_stack();
    done_that();
    next_word();
}

#endif
