/*
 * The jump of a recovered panic: back to where a frame was saved, further out on the same stack. Like setjmp and longjmp,
 * without their signal mask and without their checks. Layout of struct oak__jump: x19-x28, x29, x30, sp, d8-d15. FPCR is
 * left alone, as in switch.h.
 */
        .text

/* int oak__jump_save(struct oak__jump *j): 0, and 1 when oak__jump_to comes back here. */
        .globl  oak__jump_save
        .hidden oak__jump_save
        .type   oak__jump_save, %function
        .p2align 4
oak__jump_save:
        .cfi_startproc
        stp     x19, x20, [x0, #0]
        stp     x21, x22, [x0, #16]
        stp     x23, x24, [x0, #32]
        stp     x25, x26, [x0, #48]
        stp     x27, x28, [x0, #64]
        stp     x29, x30, [x0, #80]
        mov     x9, sp
        str     x9, [x0, #96]
        stp     d8, d9, [x0, #104]
        stp     d10, d11, [x0, #120]
        stp     d12, d13, [x0, #136]
        stp     d14, d15, [x0, #152]
        mov     w0, #0
        ret
        .cfi_endproc
        .size   oak__jump_save, . - oak__jump_save

/* void oak__jump_to(struct oak__jump *j) */
        .globl  oak__jump_to
        .hidden oak__jump_to
        .type   oak__jump_to, %function
        .p2align 4
oak__jump_to:
        .cfi_startproc
        /* Whose frame this is: for an unwinder the caller is, from the first instruction, the saved one. The address is
         * kept in x10, since x0 becomes the result. */
        mov     x10, x0
        .cfi_def_cfa x10, 0
        .cfi_offset x19, 0
        .cfi_offset x20, 8
        .cfi_offset x21, 16
        .cfi_offset x22, 24
        .cfi_offset x23, 32
        .cfi_offset x24, 40
        .cfi_offset x25, 48
        .cfi_offset x26, 56
        .cfi_offset x27, 64
        .cfi_offset x28, 72
        .cfi_offset x29, 80
        .cfi_offset x30, 88
        .cfi_offset sp, 96
        ldp     x19, x20, [x10, #0]
        ldp     x21, x22, [x10, #16]
        ldp     x23, x24, [x10, #32]
        ldp     x25, x26, [x10, #48]
        ldp     x27, x28, [x10, #64]
        ldp     x29, x30, [x10, #80]
        ldp     d8, d9, [x10, #104]
        ldp     d10, d11, [x10, #120]
        ldp     d12, d13, [x10, #136]
        ldp     d14, d15, [x10, #152]
        ldr     x9, [x10, #96]
        mov     w0, #1
        mov     sp, x9
        ret
        .cfi_endproc
        .size   oak__jump_to, . - oak__jump_to

        .section .note.GNU-stack, "", %progbits
