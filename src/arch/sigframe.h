/*
 * What a signal has interrupted, and how to make it go on elsewhere. A backend is a file: arch/.../sigframe.c
 * and fault.S. Internal: scope may include it.
 */
#ifndef OAK_ARCH_SIGFRAME_H
#define OAK_ARCH_SIGFRAME_H

#include "base/common.h"

struct oak__sigframe {
    const void *pc, *sp, *fp;
    const void *lr; /* the link register; NULL where return addresses are pushed */
};

/* Bytes of stack that oak__sigframe_divert takes, red zone included. */
enum { OAK__DIVERT_BYTES = 256 };

/* uc: a signal handler's ucontext_t. Safe in signal handlers, as all here. */
void oak__sigframe_read(const void *uc, struct oak__sigframe *out);

/*
 * When the handler returns, the interrupted code calls oak__fault_panic(a, b, c) on its own stack, below its
 * red zone, and never goes on. Unwinders and frame-pointer walks see the interrupted function as the caller
 * (fault.S).
 */
void oak__sigframe_divert(void *uc, uintptr_t a, uintptr_t b, uintptr_t c);

/* Defined in scope/fault_panic.c. */
OAK_NORETURN void oak__fault_panic(uintptr_t sig, uintptr_t code, uintptr_t address);

#endif
