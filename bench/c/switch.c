/*
 * The metal's own price: two stacks that jump to each other, the callee-saved registers pushed and popped,
 * and nothing else. No runtime has any part in it; it is what the other rows are to be held against.
 */
#include "bench.h"

#include <stdlib.h>

/* Saves the registers on this stack, its pointer in *from, and goes on from the one in to. */
void bare_switch(void **from, void *to);

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl bare_switch\n"
        ".type bare_switch, @function\n"
        "bare_switch:\n"
        "push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n"
        "mov %rsp, (%rdi)\n"
        "mov %rsi, %rsp\n"
        "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n"
        "ret\n"
        ".size bare_switch, . - bare_switch\n");
enum { FRAME_WORDS = 8, RETURN_WORD = 6 };
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl bare_switch\n"
        ".type bare_switch, %function\n"
        "bare_switch:\n"
        "sub sp, sp, #160\n"
        "stp x19, x20, [sp]\n stp x21, x22, [sp, #16]\n stp x23, x24, [sp, #32]\n"
        "stp x25, x26, [sp, #48]\n stp x27, x28, [sp, #64]\n stp x29, x30, [sp, #80]\n"
        "stp d8, d9, [sp, #96]\n stp d10, d11, [sp, #112]\n"
        "stp d12, d13, [sp, #128]\n stp d14, d15, [sp, #144]\n"
        "mov x9, sp\n"
        "str x9, [x0]\n"
        "mov sp, x1\n"
        "ldp x19, x20, [sp]\n ldp x21, x22, [sp, #16]\n ldp x23, x24, [sp, #32]\n"
        "ldp x25, x26, [sp, #48]\n ldp x27, x28, [sp, #64]\n ldp x29, x30, [sp, #80]\n"
        "ldp d8, d9, [sp, #96]\n ldp d10, d11, [sp, #112]\n"
        "ldp d12, d13, [sp, #128]\n ldp d14, d15, [sp, #144]\n"
        "add sp, sp, #160\n"
        "ret\n"
        ".size bare_switch, . - bare_switch\n");
enum { FRAME_WORDS = 20, RETURN_WORD = 11 };
#endif

static void *here, *there;

static void partner(void)
{
    for (;;)
        bare_switch(&there, here);
}

/* An operation is one switch, so a round trip counts twice. */
static void work(long count)
{
    for (long i = 0; i < count / 2; i++)
        bare_switch(&here, there);
}

void job_switch(long count)
{
    enum { STACK_WORDS = 2048 };
    void **stack = aligned_alloc(16, STACK_WORDS * sizeof *stack);

    if (!stack)
        must(-ENOMEM, "a stack");
    there = stack + STACK_WORDS - FRAME_WORDS - 2;
    ((void **)there)[RETURN_WORD] = (void *)(uintptr_t)partner;
    timed("switch", work, count);
    free(stack);
}
