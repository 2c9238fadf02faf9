/*
 * The switch between two stacks, compiled into its few callers. AAPCS64: x19-x29, sp and the low halves of v8-v15 belong to the
 * callee, and so to whoever switches: x29 and the place to go on are saved on the stack that is left, of the others the
 * compiler saves what it needs. FPCR is left alone: it belongs to the thread.
 *
 * No call and no ret, so that the processor's own stack of return addresses stays in step; see arch/x86_64/switch.h.
 */
#ifndef OAK_ARCH_AARCH64_SWITCH_H
#define OAK_ARCH_AARCH64_SWITCH_H

/* Words that a switch saves; which of them hold the frame pointer and the program counter. */
enum { OAK__SWITCH_WORDS = 2, OAK__SWITCH_FRAME = 0, OAK__SWITCH_PC = 1 };

__attribute__((always_inline)) static inline void oak__switch(void **save_sp, void *to_sp)
{
    register void **save __asm__("x0") = save_sp;
    register void *to __asm__("x1") = to_sp;
    __asm__ volatile("adr x9, 1f\n\t"
                     "stp x29, x9, [sp, #-16]!\n\t"
                     "mov x9, sp\n\t"
                     "str x9, [%0]\n\t"
                     "mov sp, %1\n\t"
                     "ldp x29, x9, [sp], #16\n\t"
                     "br x9\n"
                     "1:\n\t"
                     "hint #36\n\t" /* bti j */
                     "mov x19, xzr\n\t"
                     "mov x20, xzr\n\t"
                     "mov x21, xzr\n\t"
                     "mov x22, xzr\n\t"
                     "mov x23, xzr\n\t"
                     "mov x24, xzr\n\t"
                     "mov x25, xzr\n\t"
                     "mov x26, xzr\n\t"
                     "mov x27, xzr\n\t"
                     "mov x28, xzr"
                     : "+r"(save), "+r"(to)
                     :
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                       "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
                       "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10",
                       "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22",
                       "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory", "cc");
}

#endif
