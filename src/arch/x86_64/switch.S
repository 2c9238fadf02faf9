/*
 * The switch between two stacks, and the first frame of a goroutine. System V ABI: rbx, rbp, r12-r15 and rsp belong to the
 * callee; the rest the compiler has saved around the call. The floating-point control words are left alone: they belong to
 * the thread (include/oakum/go.h says so).
 */
        .text

/* void oak__switch(void **save_sp, void *to_sp) */
        .globl  oak__switch
        .hidden oak__switch
        .type   oak__switch, @function
        .p2align 6
oak__switch:
        .cfi_startproc
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        /* The return stack predicts the other goroutine's caller; an indirect jump has a history of its own. */
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rcx
        jmp     *%rcx
        .cfi_endproc
        .size   oak__switch, . - oak__switch

/* Where a new goroutine's first switch "returns" to. No caller: unwinders stop here. */
        .globl  oak__first_frame
        .hidden oak__first_frame
        .type   oak__first_frame, @function
        .p2align 4
oak__first_frame:
        .cfi_startproc
        .cfi_undefined rip
        xorl    %ebp, %ebp
        call    oak__g_main
        ud2
        .cfi_endproc
        .size   oak__first_frame, . - oak__first_frame

        .section .note.GNU-stack, "", @progbits
