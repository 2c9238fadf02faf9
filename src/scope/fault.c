/*
 * Faults: SIGSEGV, SIGBUS and SIGFPE.
 *
 * The handlers run on an alternate stack of each worker, so that a goroutine's stack overflow can be reported
 * as well. They are installed once, when the runtime starts, for those signals whose action is still the
 * default: a handler that the program (or a sanitizer) has set before stays, and goroutines' faults are its
 * own then. One that the program sets later replaces ours.
 *
 * Plain threads and the scheduler's own code: nothing is said, the default action follows, as if there were
 * no handler. A goroutine: its id, the address and its stack are written to standard error, then the default
 * action follows: the handler puts it back and returns, the instruction faults again, and the core dump shows
 * the place. After oak_panic_on_fault(true) a fault in the goroutine's own code becomes a panic instead: the
 * handler returns into oak__fault_panic on the goroutine's stack. A stack overflow never does (there is no
 * stack to panic on), nor does a fault while the goroutine is inside the runtime, which may hold its locks.
 *
 * In compact mode (stack/away.h) the first question is whether the address lies in a stack that was put away.
 *
 * SIGPIPE is left alone: sockets are written with MSG_NOSIGNAL.
 */
#include "arch/sigframe.h"
#include "base/os.h"
#include "inspect/out.h"
#include "inspect/report.h"
#include "scope/last_words.h"
#include "sched/sched.h"
#include "sched/stats.h"
#include "stack/away.h"

#include <oakum/panic.h>

#include <signal.h>
#include <unistd.h>

enum { ALT_STACK = 64 * 1024, ROOM_TO_PANIC = 4096 };

struct fault {
    int sig;
    bool sent; /* by kill(2) and the like: no instruction of ours raised it */
    bool in_runtime;
    bool overflow;
    const char *address;
    struct oak__g *g; /* NULL: not a goroutine */
    struct oak__sigframe at;
};

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE};
static _Atomic bool to_panic;

static const char *signal_name(int sig)
{
    return sig == SIGSEGV ? "SIGSEGV" : sig == SIGBUS ? "SIGBUS" : "SIGFPE";
}

static bool on_stack_of(const struct oak__g *g, const char *p)
{
    return g->stack_lo && p >= g->stack_lo && p < (const char *)oak__g_stack_hi(g);
}

/* The address lies in the guard below the stack, or the stack pointer has passed it. */
static bool overflows(const struct fault *f)
{
    const char *lo = f->g->stack_lo, *sp = f->at.sp;
    const ptrdiff_t guard = (ptrdiff_t)oak__os_page_size();
    return lo && !f->sent && f->sig != SIGFPE &&
           ((f->address < lo && f->address >= lo - guard) || (sp < lo && sp >= lo - guard));
}

static void examine(struct fault *f, int sig, const siginfo_t *si, const void *uc)
{
    *f = (struct fault){.sig = sig, .sent = si->si_code <= 0, .address = si->si_addr};
    oak__sigframe_read(uc, &f->at);
    struct oak__g *g = oak__self_if_any(&f->in_runtime);
    if (g && g->kind == OAK__G_GOROUTINE) {
        f->g = g;
        f->overflow = overflows(f);
    }
}

static bool can_panic(const struct fault *f)
{
    return load_relaxed(&to_panic) && !f->sent && !f->in_runtime && !f->overflow &&
           on_stack_of(f->g, f->at.sp) && (const char *)f->at.sp - f->g->stack_lo > ROOM_TO_PANIC;
}

static void report(const struct fault *f)
{
    struct oak__out o = OAK__OUT_FD(STDERR_FILENO);
    const char *name = load_relaxed(&f->g->name);
    oak__outf(&o, "oakum: %s%s in goroutine %llu", f->overflow ? "stack overflow, " : "", signal_name(f->sig),
              (unsigned long long)load_relaxed(&f->g->id));
    if (name)
        oak__outf(&o, " \"%.64s\"", name);
    if (f->sent)
        oak__outf(&o, ", sent by a process\n");
    else
        oak__outf(&o, ", address %p, at %p\n", (const void *)f->address, f->at.pc);
    if (f->overflow)
        oak__outf(&o,
                  "Its stack has %zu bytes. Start it with a larger .stack_size in struct oak_spawn_opts.\n",
                  (size_t)((const char *)oak__g_stack_hi(f->g) - f->g->stack_lo));
    oak__outf(&o, "\n");
    oak__report_crash(STDERR_FILENO, &f->at);
}

/* The default action, from where the fault was. */
static void let_it_be(const struct fault *f)
{
    signal(f->sig, SIG_DFL);
    if (f->sent)
        raise(f->sig);
}

static void on_fault(int sig, siginfo_t *si, void *uc)
{
    struct fault f;
    int saved = errno;
    /* No fault at all: somebody's stack was put away, and is back. */
    if (sig != SIGFPE && si->si_code > 0 && oak__away_fault(si->si_addr)) {
        errno = saved;
        return;
    }
    examine(&f, sig, si, uc);
    if (f.g && can_panic(&f)) {
        oak__sigframe_divert(uc, (uintptr_t)sig, (uintptr_t)si->si_code, (uintptr_t)f.address);
    } else {
        if (f.g) {
            oak__last_words();
            report(&f);
        }
        let_it_be(&f);
    }
    errno = saved;
}

static void install(int sig)
{
    struct sigaction old;
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&sa.sa_mask);
    if (sigaction(sig, NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) && old.sa_handler == SIG_DFL)
        sigaction(sig, &sa, NULL);
}

bool oak__faults_ours(void)
{
    struct sigaction segv, bus;
    return sigaction(SIGSEGV, NULL, &segv) == 0 && segv.sa_sigaction == on_fault &&
           sigaction(SIGBUS, NULL, &bus) == 0 && bus.sa_sigaction == on_fault;
}

void oak__faults_init(void)
{
    for (size_t i = 0; i < countof(signals); i++)
        install(signals[i]);
}

/* Of a thread that blocks these signals (the mask is inherited from whoever started the runtime) the kernel would make short
 * work. */
static void let_faults_in(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < countof(signals); i++)
        sigaddset(&set, signals[i]);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Without memory for it a stack overflow of this thread's goroutines ends the process unreported. */
void oak__faults_thread_init(void)
{
    stack_t old, ss = {.ss_size = ALT_STACK};
    let_faults_in();
    if (sigaltstack(NULL, &old) != 0 || !(old.ss_flags & SS_DISABLE))
        return;
    ss.ss_sp = oak__os_reserve(ALT_STACK, oak__os_page_size());
    if (!ss.ss_sp)
        return;
    /* Written to once: what never was is left out of core files, and looks there like memory that was kept out. */
    *(volatile char *)((char *)ss.ss_sp + ALT_STACK - 1) = 0;
    sigaltstack(&ss, NULL);
}

bool oak_panic_on_fault(bool on)
{
    return swap_seq(&to_panic, on);
}
