/*
 * The switch between two stacks, and the first frame of a goroutine. AAPCS64: x19-x29, lr, sp and the low halves of v8-v15
 * belong to the callee; the rest the compiler has saved around the call. FPCR is left alone: it belongs to the thread.
 */
        .text

/* void oak__switch(void **save_sp, void *to_sp) */
        .globl  oak__switch
        .hidden oak__switch
        .type   oak__switch, %function
        .p2align 6
oak__switch:
        .cfi_startproc
        stp     x29, x30, [sp, #-160]!
        .cfi_adjust_cfa_offset 160
        .cfi_rel_offset x29, 0
        .cfi_rel_offset x30, 8
        stp     x19, x20, [sp, #16]
        .cfi_rel_offset x19, 16
        .cfi_rel_offset x20, 24
        stp     x21, x22, [sp, #32]
        .cfi_rel_offset x21, 32
        .cfi_rel_offset x22, 40
        stp     x23, x24, [sp, #48]
        .cfi_rel_offset x23, 48
        .cfi_rel_offset x24, 56
        stp     x25, x26, [sp, #64]
        .cfi_rel_offset x25, 64
        .cfi_rel_offset x26, 72
        stp     x27, x28, [sp, #80]
        .cfi_rel_offset x27, 80
        .cfi_rel_offset x28, 88
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        mov     sp, x1
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x29, x30, [sp], #160
        .cfi_adjust_cfa_offset -160
        .cfi_restore x29
        .cfi_restore x30
        ret
        .cfi_endproc
        .size   oak__switch, . - oak__switch

/* Where a new goroutine's first switch "returns" to. No caller: unwinders stop here. */
        .globl  oak__first_frame
        .hidden oak__first_frame
        .type   oak__first_frame, %function
        .p2align 4
oak__first_frame:
        .cfi_startproc
        .cfi_undefined x30
        mov     x29, xzr
        mov     x30, xzr
        bl      oak__g_main
        brk     #1
        .cfi_endproc
        .size   oak__first_frame, . - oak__first_frame

        .section .note.GNU-stack, "", %progbits
