#include "leak/stop_signal.h"

#include "base/atomic.h"

#include <string.h>

#ifndef SA_RESTORER
    #define SA_RESTORER 0x04000000
#endif

#if defined(__x86_64__)
/* What a handler returns to. The very bytes that debuggers and unwinders know a signal frame by. */
__asm__(".text\n"
        ".globl oak__sigreturn\n"
        ".hidden oak__sigreturn\n"
        ".type oak__sigreturn, @function\n"
        "oak__sigreturn:\n\t"
        "mov $15, %rax\n\t"
        "syscall\n"
        ".size oak__sigreturn, . - oak__sigreturn\n");
#endif

int oak__raw_sigaction(int sig, const struct raw_sigaction *act, struct raw_sigaction *old)
{
    struct raw_sigaction a;
    if (act) {
        a = *act;
#if defined(__x86_64__)
        a.flags |= SA_RESTORER;
        a.restorer = oak__sigreturn;
#endif
    }
    return (int)raw(SYS_rt_sigaction, sig, act ? &a : NULL, old, sizeof a.mask);
}

static void (*_Atomic on_stop)(uintptr_t value, void *ucontext);
static void (*_Atomic before)(int, siginfo_t *, void *);

/* Between the runtime and its sanitizer: a handler may come at any instruction. */
__attribute__((no_sanitize("thread", "address"))) static void handler(int sig, siginfo_t *si, void *ucontext)
{
    int saved = *oak_errno_location();
    if (si->si_code == SI_QUEUE && si->si_pid == getpid()) {
        load_acquire (&on_stop)((uintptr_t)si->si_value.sival_ptr, ucontext);
    } else {
        void (*then)(int, siginfo_t *, void *) = load_acquire(&before);
        if (then)
            then(sig, si, ucontext);
    }
    *oak_errno_location() = saved;
}

int oak__stop_signal_install(void (*fn)(uintptr_t value, void *ucontext))
{
    struct raw_sigaction mine = {handler, SA_SIGINFO | SA_RESTART | SA_ONSTACK, NULL, ~(uint64_t)0}, old;
    int err = oak__raw_sigaction(OAK__STOP_SIGNAL, NULL, &old);
    if (err)
        return err;
    store_release(&on_stop, fn);
    if (old.handler == handler)
        return 0;
    /* Never taken back: a late signal must find a handler. */
    bool is_function = (uintptr_t)old.handler > (uintptr_t)SIG_IGN;
    store_release(&before, is_function ? old.handler : NULL);
    return oak__raw_sigaction(OAK__STOP_SIGNAL, &mine, NULL);
}

int oak__stop_signal_send(int tid, uintptr_t value)
{
    siginfo_t si;
    memset(&si, 0, sizeof si);
    si.si_code = SI_QUEUE;
    si.si_pid = getpid();
    si.si_uid = getuid();
    si.si_value.sival_ptr = (void *)value;
    return (int)raw(SYS_rt_tgsigqueueinfo, getpid(), tid, OAK__STOP_SIGNAL, &si);
}
