/* The first frame of a goroutine: where its first switch goes. No caller: unwinders stop here. */
        .text

        .globl  oak__first_frame
        .hidden oak__first_frame
        .type   oak__first_frame, @function
        .p2align 4
oak__first_frame:
        .cfi_startproc
        .cfi_undefined rip
        /* Nothing of whoever ran here before: it would be saved on this stack. */
        xorl    %ebx, %ebx
        xorl    %ebp, %ebp
        xorl    %r12d, %r12d
        xorl    %r13d, %r13d
        xorl    %r14d, %r14d
        xorl    %r15d, %r15d
        call    oak__g_main
        ud2
        .cfi_endproc
        .size   oak__first_frame, . - oak__first_frame

        .section .note.GNU-stack, "", @progbits
