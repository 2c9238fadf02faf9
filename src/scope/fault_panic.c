/* A fault as a panic: called by the goroutine that faulted, as it were by the faulting instruction. */
#include "arch/sigframe.h"
#include "scope/panic.h"

#include <signal.h>
#include <stdio.h>

static const char *what(int sig, int code)
{
    if (sig == SIGFPE)
        return code == FPE_INTDIV ? "SIGFPE: division by zero" : "SIGFPE: arithmetic exception";
    if (sig == SIGBUS)
        return "SIGBUS: access beyond the end of a file, or unaligned";
    return code == SEGV_MAPERR   ? "SIGSEGV: nothing is mapped there"
           : code == SEGV_ACCERR ? "SIGSEGV: no permission"
                                 : "SIGSEGV: general protection";
}

void oak__fault_panic(uintptr_t sig, uintptr_t code, uintptr_t address)
{
    const uintptr_t *frame = __builtin_frame_address(0);
    const uintptr_t *faulted = (const uintptr_t *)frame[0]; /* the frame record made by sigframe.c */
    struct oak__panic p = {.info.signal = (int)sig, .info.site = (void *)(faulted[1] - 1)};
    snprintf(p.info.message, sizeof p.info.message, "%s (address %p)", what((int)sig, (int)code),
             (void *)address);
    oak__panic_begin(&p);
}
