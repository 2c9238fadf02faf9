/*
 * The jump of a recovered panic: back to where a frame was saved, further out on the same stack. Like setjmp and longjmp,
 * without their signal mask and without their checks. Layout of struct oak__jump: rbx, rbp, r12-r15, rsp, rip. The
 * floating-point control words are left alone, as in switch.h.
 */
        .text

/* int oak__jump_save(struct oak__jump *j): 0, and 1 when oak__jump_to comes back here. */
        .globl  oak__jump_save
        .hidden oak__jump_save
        .type   oak__jump_save, @function
        .p2align 4
oak__jump_save:
        .cfi_startproc
        movq    %rbx, 0(%rdi)
        movq    %rbp, 8(%rdi)
        movq    %r12, 16(%rdi)
        movq    %r13, 24(%rdi)
        movq    %r14, 32(%rdi)
        movq    %r15, 40(%rdi)
        leaq    8(%rsp), %rdx           /* as it is once this call has returned */
        movq    %rdx, 48(%rdi)
        movq    (%rsp), %rdx
        movq    %rdx, 56(%rdi)
        xorl    %eax, %eax
        ret
        .cfi_endproc
        .size   oak__jump_save, . - oak__jump_save

/* void oak__jump_to(struct oak__jump *j) */
        .globl  oak__jump_to
        .hidden oak__jump_to
        .type   oak__jump_to, @function
        .p2align 4
oak__jump_to:
        .cfi_startproc
        /* Whose frame this is: for an unwinder the caller is, from the first instruction, the saved one. */
        .cfi_def_cfa rdi, 0
        .cfi_offset rbx, 0
        .cfi_offset rbp, 8
        .cfi_offset r12, 16
        .cfi_offset r13, 24
        .cfi_offset r14, 32
        .cfi_offset r15, 40
        .cfi_offset rsp, 48
        .cfi_offset rip, 56
        movq    0(%rdi), %rbx
        movq    8(%rdi), %rbp
        movq    16(%rdi), %r12
        movq    24(%rdi), %r13
        movq    32(%rdi), %r14
        movq    40(%rdi), %r15
        movl    $1, %eax
        movq    48(%rdi), %rsp
        jmp     *56(%rdi)
        .cfi_endproc
        .size   oak__jump_to, . - oak__jump_to

        .section .note.GNU-stack, "", @progbits
