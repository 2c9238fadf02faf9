/*
 * Where a fault that becomes a panic goes on (sigframe.c has set the registers). sp and x29 point to
 *      [x29]      x29 of the interrupted code      [x29, #8]  its pc + 1: with it a frame record
 *      [x29, #16] its pc                           [x29, #24] its sp
 * To an unwinder this is a signal's frame: it finds the interrupted registers, all but x30.
 */
        .text
        .globl  oak__fault_entry
        .hidden oak__fault_entry
        .type   oak__fault_entry, %function
        .p2align 4
        .cfi_startproc
        .cfi_signal_frame
        .cfi_def_cfa x29, 32
        .cfi_offset x29, -32
        .cfi_offset x30, -16
        .cfi_offset sp, -8
        nop                             /* an unwinder may look at the instruction before */
oak__fault_entry:
        bl      oak__fault_panic
        brk     #1
        .cfi_endproc
        .size   oak__fault_entry, . - oak__fault_entry

        .section .note.GNU-stack, "", %progbits
