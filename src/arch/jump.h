/*
 * Where a recovered panic goes on: save a place, jump back to it. Internal: scope may include it.
 *
 * Registers as the ABI wants them preserved, nothing else (arch/.../jump.S). Under TSan the C library's pair
 * is used, which TSan watches to keep its shadow of the stack right; it must be called by the very function
 * that is jumped back to, hence macros.
 */
#ifndef OAK_ARCH_JUMP_H
#define OAK_ARCH_JUMP_H

#include "base/common.h"

#if OAK_TSAN
    #include <setjmp.h>

struct oak__jump {
    jmp_buf buf;
};
    #define jump_save(j) _setjmp((j)->buf)
    #define jump_to(j)   _longjmp((j)->buf, 1)

#else

struct oak__jump {
    #if defined(__x86_64__)
    uint64_t registers[8];
    #elif defined(__aarch64__)
    uint64_t registers[21];
    #endif
};
/* 0, and 1 when jump_to comes back. */
int oak__jump_save(struct oak__jump *j) __attribute__((returns_twice));
OAK_NORETURN void oak__jump_to(struct oak__jump *j);
    #define jump_save(j) oak__jump_save(j)
    #define jump_to(j)   oak__jump_to(j)

#endif

#endif
