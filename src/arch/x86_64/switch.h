/*
 * The switch between two stacks, compiled into its few callers. System V ABI: rbx, rbp, r12-r15 and rsp belong to the callee,
 * and so to whoever switches: rbp and the place to go on are saved on the stack that is left, of the others the compiler
 * saves what it needs. The floating-point control words are left alone: they belong to the thread (include/oakum/go.h).
 *
 * No call and no ret: the processor predicts a return by a stack of its own, on which each call pushes. A switch that
 * was called and left by a jump would leave an entry there, and every return after it would be predicted wrongly.
 *
 * What the goroutine that ran before has left in the registers that functions save on the stack is cleared: there it would
 * look to the leak proof like a reference.
 *
 * The caller must not be a leaf: below rsp lies nothing of value then.
 */
#ifndef OAK_ARCH_X86_64_SWITCH_H
#define OAK_ARCH_X86_64_SWITCH_H

/* Words that a switch saves; which of them hold the frame pointer and the program counter. */
enum { OAK__SWITCH_WORDS = 2, OAK__SWITCH_FRAME = 0, OAK__SWITCH_PC = 1 };

__attribute__((always_inline)) static inline void oak__switch(void **save_sp, void *to_sp)
{
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "pushq %%rbp\n\t"
                     "movq %%rsp, (%0)\n\t"
                     "movq %1, %%rsp\n\t"
                     "popq %%rbp\n\t"
                     "popq %%rax\n\t"
                     "jmp *%%rax\n"
                     "1:\txorl %%ebx, %%ebx\n\t"
                     "xorl %%r12d, %%r12d\n\t"
                     "xorl %%r13d, %%r13d\n\t"
                     "xorl %%r14d, %%r14d\n\t"
                     "xorl %%r15d, %%r15d"
                     : "+D"(save_sp), "+S"(to_sp)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
}

#endif
