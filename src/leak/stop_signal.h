/*
 * The signal that stops threads.
 *
 * 33 is the second of the two that glibc keeps to itself (SIGSETXID, for setuid in all threads). A program can
 * neither use it nor block it through the C library, which makes it the only one that reaches every thread and is
 * in nobody's way. What glibc sends with it is told apart (it comes from tgkill, ours carries a value) and handed on to
 * the handler that was there.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_STOP_SIGNAL_H
#define OAK_LEAK_STOP_SIGNAL_H

#include "leak/raw.h"

#include <signal.h>

enum { OAK__STOP_SIGNAL = 33 };

/* The kernel's struct sigaction. */
struct raw_sigaction {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

/* rt_sigaction(2) by itself: glibc's refuses the signals it keeps, and sanitizers delay handlers they know of. */
int oak__raw_sigaction(int sig, const struct raw_sigaction *act, struct raw_sigaction *old);

/* Sees to it that fn is called with the value of each stop signal of ours. */
int oak__stop_signal_install(void (*fn)(uintptr_t value, void *ucontext));
/* Sends it to a thread of this process. 0, -ESRCH (it has ended), -EAGAIN (too many signals are queued). */
int oak__stop_signal_send(int tid, uintptr_t value);

#if defined(__x86_64__)
/* What its handler returns to. */
void oak__sigreturn(void) __attribute__((visibility("hidden")));
    #define OAK__STOP_RETURN ((uintptr_t)oak__sigreturn)
#else
    #define OAK__STOP_RETURN ((uintptr_t)0)
#endif

#endif
