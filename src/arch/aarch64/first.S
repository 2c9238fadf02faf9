/* The first frame of a goroutine: where its first switch goes. No caller: unwinders stop here. */
        .text

        .globl  oak__first_frame
        .hidden oak__first_frame
        .type   oak__first_frame, %function
        .p2align 4
oak__first_frame:
        .cfi_startproc
        .cfi_undefined x30
        hint    #36                     /* bti j: it is jumped to */
        /* Nothing of whoever ran here before: it would be saved on this stack. */
        mov     x19, xzr
        mov     x20, xzr
        mov     x21, xzr
        mov     x22, xzr
        mov     x23, xzr
        mov     x24, xzr
        mov     x25, xzr
        mov     x26, xzr
        mov     x27, xzr
        mov     x28, xzr
        mov     x29, xzr
        mov     x30, xzr
        movi    d8, #0
        movi    d9, #0
        movi    d10, #0
        movi    d11, #0
        movi    d12, #0
        movi    d13, #0
        movi    d14, #0
        movi    d15, #0
        bl      oak__g_main
        brk     #1
        .cfi_endproc
        .size   oak__first_frame, . - oak__first_frame

        .section .note.GNU-stack, "", %progbits
