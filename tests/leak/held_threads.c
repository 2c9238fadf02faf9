/* Stacks and registers of plain threads and signal handlers. */
#include "heldkeeper.h"

#include "sched/m.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

static sem_t told_thread;

static void thread_next_word(void)
{
    while (sem_wait(&told_thread))
        ;
}

static void tell_thread(void)
{
    sem_post(&told_thread);
    until_done();
}

static pthread_t thread;
static bool have_thread, uses_oakum;

static void *in_thread(void *unused)
{
    (void)unused;
    if (uses_oakum)
        (void)oak_self();
    how();
    return NULL;
}

static void end_thread(void)
{
    if (!have_thread)
        return;
    sem_post(&told_thread);
    if (pthread_join(thread, NULL))
        abort();
    have_thread = false;
}

static void start_thread(void (*fn)(void), bool known)
{
    end_thread();
    how = fn;
    uses_oakum = known;
    next_word = thread_next_word;
    if (pthread_create(&thread, NULL, in_thread, NULL))
        abort();
    have_thread = true;
    until_done();
}

static void put_thread_frame(void)
{
    start_thread(keep_in_frame, true);
}

static void put_thread_deep(void)
{
    start_thread(keep_in_deep_frame, true);
}

static void put_unknown_thread(void)
{
    start_thread(keep_in_frame, false);
}

static void put_thread_saved(void)
{
    start_thread(keep_in_saved_register, true);
}

static void put_thread_running(void)
{
    start_thread(keep_in_register, true);
    until_in_register();
}

static void put_thread_vector(void)
{
    start_thread(keep_in_vector_register, true);
    until_in_register();
}

static void stop_thread(void)
{
    stop = 1;
    until_done();
}

/* ---- a thread-local variable of a plain thread ---- */

static __thread void *volatile of_the_thread;

static void keep_in_thread_local(void)
{
    put_at(&of_the_thread);
    done_that();
    next_word();
    of_the_thread = NULL;
    done_that();
    next_word();
}

static void put_thread_local(void)
{
    start_thread(keep_in_thread_local, true);
}

static pthread_key_t key;

static NOINLINE void set_specific(void)
{
    if (pthread_setspecific(key, reveal()))
        abort();
}

static void keep_in_specific(void)
{
    set_specific();
    done_that();
    next_word();
    if (pthread_setspecific(key, NULL))
        abort();
    done_that();
    next_word();
}

static void put_specific(void)
{
    start_thread(keep_in_specific, true);
}

/* ---- an alternate signal stack ---- */

static char alternate[1 << 16] __attribute__((aligned(16)));

static void on_alternate(int sig)
{
    (void)sig;
    keep_in_frame();
}

static void keep_in_handler(void)
{
    stack_t s = {.ss_sp = alternate, .ss_size = sizeof alternate}, off = {.ss_flags = SS_DISABLE};
    struct sigaction a = {.sa_handler = on_alternate, .sa_flags = SA_ONSTACK};
    if (sigaltstack(&s, NULL) || sigaction(SIGUSR1, &a, NULL))
        abort();
    raise(SIGUSR1);
    if (sigaltstack(&off, NULL))
        abort();
}

static void put_alternate(void)
{
    start_thread(keep_in_handler, true);
}

/* The handler interrupts a frame that has it. */
static void on_signal_wait(int sig)
{
    (void)sig;
    done_that();
    next_word();
}

static NOINLINE void keep_below_handler(void)
{
    stack_t s = {.ss_sp = alternate, .ss_size = sizeof alternate}, off = {.ss_flags = SS_DISABLE};
    struct sigaction a = {.sa_handler = on_signal_wait, .sa_flags = SA_ONSTACK};
    void *volatile mine = NULL;
    if (sigaltstack(&s, NULL) || sigaction(SIGUSR1, &a, NULL))
        abort();
    put_at(&mine);
    raise(SIGUSR1);
    mine = NULL;
    if (sigaltstack(&off, NULL))
        abort();
    done_that();
    next_word();
}

static void put_below_handler(void)
{
    start_thread(keep_below_handler, true);
}

/* The alternate stack is cut out of the thread's own, so that the frames of what was interrupted lie below it. */
static NOINLINE void interrupted(void)
{
    void *volatile mine = NULL;
    put_at(&mine);
    raise(SIGUSR1);
    mine = NULL;
}

static NOINLINE void keep_below_alternate(int flags)
{
    char own[1 << 15] __attribute__((aligned(16)));
    stack_t s = {.ss_sp = own, .ss_size = sizeof own, .ss_flags = flags}, off = {.ss_flags = SS_DISABLE};
    struct sigaction a = {.sa_handler = on_signal_wait, .sa_flags = SA_ONSTACK};
    if (sigaltstack(&s, NULL) || sigaction(SIGUSR1, &a, NULL))
        abort();
    interrupted();
    if (sigaltstack(&off, NULL))
        abort();
}

static void keep_below_own_alternate(void)
{
    keep_below_alternate(0);
    scrub_stack();
    done_that();
    next_word();
}

static void put_below_own_alternate(void)
{
    start_thread(keep_below_own_alternate, true);
}

#ifndef SS_AUTODISARM
    #define SS_AUTODISARM (1U << 31)
#endif

static void keep_below_disarmed(void)
{
    keep_below_alternate(getenv("OAK_TEST_EMULATED") ? 0
                                                     : (int)SS_AUTODISARM); /* an emulator does not know it */
    scrub_stack();
    done_that();
    next_word();
}

static void put_below_disarmed(void)
{
    start_thread(keep_below_disarmed, true);
}

/* ---- a handler that runs on a thread of the scheduler's ---- */

static pid_t monitor;

static void on_monitor(int sig)
{
    (void)sig;
    keep_in_frame();
}

static void put_in_monitor(void)
{
    struct sigaction a = {.sa_handler = on_monitor};
    end_thread();
    next_word = thread_next_word;
    for (size_t i = 0; !monitor; i++) {
        struct oak__m *m = oak__slab_at(&oak__m_slab, i);
        if (!m)
            abort();
        const char *name = load_relaxed(&m->stand_in.name);
        if (name && strcmp(name, "oakum monitor") == 0)
            monitor = m->tid;
    }
    if (sigaction(SIGUSR2, &a, NULL) || syscall(SYS_tgkill, getpid(), monitor, SIGUSR2))
        abort();
    until_done();
}

static void tell_monitor(void)
{
    tell_thread();
    sem_post(&told_thread);
}

static void put_thread_dead(void)
{
    start_thread(leave_dead_frames, true);
}

/* A signal stack that is not in use is written to by the next signal. */
static void leave_on_alternate(void)
{
    stack_t s = {.ss_sp = alternate, .ss_size = sizeof alternate}, off = {.ss_flags = SS_DISABLE};
    void *volatile *at = (void *volatile *)(void *)alternate;
    if (sigaltstack(&s, NULL))
        abort();
    put_at(at + 100);
    done_that();
    next_word();
    at[100] = NULL;
    if (sigaltstack(&off, NULL))
        abort();
    done_that();
    next_word();
}

static void put_on_alternate(void)
{
    start_thread(leave_on_alternate, true);
}

int main(void)
{
    static const struct place places[] = {
        {"a thread's stack", put_thread_frame, tell_thread, false},
        {"a thread's deep frame", put_thread_deep, tell_thread, false},
        {"the stack of a thread that does not know Oakum", put_unknown_thread, tell_thread, false},
        {"a thread's saved register", put_thread_saved, tell_thread, false},
        {"a thread's register", put_thread_running, stop_thread, false},
        {"a thread's vector register", put_thread_vector, stop_thread, false},
        {"a thread's thread-local variable", put_thread_local, tell_thread, false},
        {"a thread's specific data", put_specific, tell_thread, false},
        {"a thread's dead frames", put_thread_dead, tell_thread, true},
        {"a signal stack that is not in use", put_on_alternate, tell_thread, true},
        /* The thread sanitizer lets no signal into a handler, so a thread that is in one cannot be stopped. */
        {"an alternate signal stack", put_alternate, tell_thread, false},
        {"a frame below a signal handler", put_below_handler, tell_thread, false},
        {"a frame below an alternate stack on the same stack", put_below_own_alternate, tell_thread, false},
        {"the same, of one that disarms itself", put_below_disarmed, tell_thread, false},
        {"a handler on the monitor", put_in_monitor, tell_monitor, false},
    };
    setenv("OAK_PROCS", "2", 1);
    if (sem_init(&told_thread, 0, 0) || sem_init(&has_done, 0, 0) || pthread_key_create(&key, NULL))
        abort();
    return run_places(places, countof(places) - (OAK_TSAN ? 5 : 0));
}
