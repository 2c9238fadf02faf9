/*
 * Where a fault that becomes a panic goes on (sigframe.c has set the registers). rsp and rbp point to
 *      0(%rbp)  rbp of the interrupted code        8(%rbp)  its pc + 1: with it a frame record
 *      16(%rbp) its pc                             24(%rbp) its rsp
 * To an unwinder this is a signal's frame: it finds the interrupted registers, exactly.
 */
        .text
        .globl  oak__fault_entry
        .hidden oak__fault_entry
        .type   oak__fault_entry, @function
        .p2align 4
        .cfi_startproc
        .cfi_signal_frame
        .cfi_def_cfa rbp, 32
        .cfi_offset rbp, -32
        .cfi_offset rip, -16
        .cfi_offset rsp, -8
        nop                             /* an unwinder may look at the instruction before */
oak__fault_entry:
        call    oak__fault_panic
        ud2
        .cfi_endproc
        .size   oak__fault_entry, . - oak__fault_entry

        .section .note.GNU-stack, "", @progbits
