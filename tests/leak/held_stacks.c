/* Stacks and registers: of goroutines that live, of plain threads, of signal handlers. */
#include "heldtest.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

/* ---- a keeper: told to keep the channel, then to forget it, then to end ---- */

static sem_t told_thread, has_done;
static oak_chan(int) told_goroutine;

/* How the keeper of this test waits for the next word. */
static void (*next_word)(void);

static void thread_next_word(void)
{
    while (sem_wait(&told_thread))
        ;
}

static void goroutine_next_word(void)
{
    int v;
    if (oak_recv(told_goroutine, &v))
        abort();
}

static void tell_thread(void)
{
    sem_post(&told_thread);
    while (sem_wait(&has_done))
        ;
}

static void tell_goroutine(void)
{
    if (oak_send(told_goroutine, 1))
        abort();
    while (sem_wait(&has_done))
        ;
    settle("keeper", 1);
}

static void done_that(void)
{
    sem_post(&has_done);
}

/* ---- ways to keep it ---- */

static NOINLINE void keep_in_frame(void)
{
    void *volatile mine = NULL;
    put_at(&mine);
    done_that();
    next_word();
    mine = NULL;
    done_that();
    next_word();
}

static NOINLINE void keep_deep(int levels)
{
    volatile char frame[200];
    frame[0] = (char)levels;
    if (levels > 0)
        keep_deep(levels - 1);
    else
        keep_in_frame();
    (void)frame[0];
}

static void keep_in_deep_frame(void)
{
    keep_deep(40);
}

/* At the bottom of a large frame, far from the stack's top. */
static NOINLINE void keep_in_large_frame(void)
{
    void *volatile mine[3000];
    memset((void *)mine, 0, sizeof mine);
    put_at(&mine[0]);
    done_that();
    next_word();
    mine[0] = NULL;
    done_that();
    next_word();
}

/* Over a call it is in a register that calls preserve, saved by whoever needs that register. */
static NOINLINE void use(void *p)
{
    __asm__ volatile("" ::"r"(p) : "memory");
}

static NOINLINE void keep_over_a_call(void)
{
    void *mine = reveal();
    __asm__ volatile("" : "+r"(mine)); /* computed here, not after the call */
    done_that();
    next_word();
    use(mine);
}

static void keep_in_saved_register(void)
{
    keep_over_a_call(); /* the functions that it called have saved that register */
    scrub_stack();
    done_that();
    next_word();
}

static volatile char stop;

/* In a register alone, while the keeper computes. */
static NOINLINE void keep_in_register(void)
{
    stop = 0;
    done_that();
#if defined(__x86_64__)
    __asm__ volatile("1: pause\n\tcmpb $0, %[stop]\n\tje 1b\n\txor %[p], %[p]"
                     :
                     : [p] "r"(reveal()), [stop] "m"(stop)
                     : "memory", "cc");
#elif defined(__aarch64__)
    __asm__ volatile("1: ldrb w9, %[stop]\n\tcbz w9, 1b"
                     :
                     : "r"(reveal()), [stop] "Q"(stop)
                     : "x9", "memory");
#endif
    done_that();
    next_word();
}

static NOINLINE void keep_in_vector_register(void)
{
    stop = 0;
    done_that();
#if defined(__x86_64__)
    __asm__ volatile("movq %[p], %%xmm7\n\txor %[p], %[p]\n1: pause\n\tcmpb $0, %[stop]\n\tje 1b\n\t"
                     "pxor %%xmm7, %%xmm7"
                     :
                     : [p] "r"(reveal()), [stop] "m"(stop)
                     : "memory", "cc", "xmm7");
#elif defined(__aarch64__)
    __asm__ volatile("fmov d7, %[p]\n1: ldrb w9, %[stop]\n\tcbz w9, 1b\n\tfmov d7, xzr"
                     :
                     : [p] "r"(reveal()), [stop] "Q"(stop)
                     : "x9", "d7", "memory");
#endif
    done_that();
    next_word();
}

/* ---- keepers ---- */

static void (*how)(void);

static void in_goroutine(void *unused)
{
    (void)unused;
    how();
}

/* The keeper of the test before is let go as the next one begins. */
static bool have_goroutine;

static void end_goroutine(void)
{
    if (have_goroutine && oak_send(told_goroutine, 1))
        abort();
    settle("keeper", 0);
    have_goroutine = true;
}

static void start_goroutine(void (*fn)(void))
{
    end_goroutine();
    how = fn;
    next_word = goroutine_next_word;
    go("keeper", in_goroutine, NULL);
    while (sem_wait(&has_done))
        ;
}

/* The keeper waits for a word. */
static void settled(void (*fn)(void))
{
    start_goroutine(fn);
    settle("keeper", 1);
}

static void put_frame(void)
{
    settled(keep_in_frame);
}

static void put_deep(void)
{
    settled(keep_in_deep_frame);
}

static void put_large(void)
{
    settled(keep_in_large_frame);
}

static void put_saved(void)
{
    settled(keep_in_saved_register);
}

static void put_running(void)
{
    start_goroutine(keep_in_register);
}

static void put_vector(void)
{
    start_goroutine(keep_in_vector_register);
}

static void stop_running(void)
{
    stop = 1;
    while (sem_wait(&has_done))
        ;
    settle("keeper", 1);
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
    while (sem_wait(&has_done))
        ;
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
}

static void put_thread_vector(void)
{
    start_thread(keep_in_vector_register, true);
}

static void stop_thread(void)
{
    stop = 1;
    while (sem_wait(&has_done))
        ;
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

/* ---- what is dead is no reference ---- */

/* Far below the stack pointer: nearer, it would be in the holes of the frames of the call that waits. */
static NOINLINE void fill_frame(void)
{
    void *volatile mine[1000];
    for (size_t i = 0; i < 100; i++)
        put_at(&mine[i]);
}

static void leave_dead_frames(void)
{
    fill_frame();
    done_that();
    next_word();
    scrub_stack();
    done_that();
    next_word();
}

static void put_dead(void)
{
    settled(leave_dead_frames);
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
        {"a goroutine's stack", put_frame, tell_goroutine, false},
        {"a deep frame", put_deep, tell_goroutine, false},
        {"a large frame", put_large, tell_goroutine, false},
        {"a saved register", put_saved, tell_goroutine, false},
        {"a register of a goroutine that runs", put_running, stop_running, false},
        {"a vector register of a goroutine that runs", put_vector, stop_running, false},
        {"a thread's stack", put_thread_frame, tell_thread, false},
        {"a thread's deep frame", put_thread_deep, tell_thread, false},
        {"the stack of a thread that does not know Oakum", put_unknown_thread, tell_thread, false},
        {"a thread's saved register", put_thread_saved, tell_thread, false},
        {"a thread's register", put_thread_running, stop_thread, false},
        {"a thread's vector register", put_thread_vector, stop_thread, false},
        {"a thread's thread-local variable", put_thread_local, tell_thread, false},
        {"a thread's specific data", put_specific, tell_thread, false},
        {"an alternate signal stack", put_alternate, tell_thread, false},
        {"a frame below a signal handler", put_below_handler, tell_thread, false},
        {"a goroutine's dead frames", put_dead, tell_goroutine, true},
        {"a thread's dead frames", put_thread_dead, tell_thread, true},
        {"a signal stack that is not in use", put_on_alternate, tell_thread, true},
    };
    setenv("OAK_PROCS", "2", 1);
    told_goroutine = oak_make(int, 0);
    if (!told_goroutine || sem_init(&told_thread, 0, 0) || sem_init(&has_done, 0, 0) ||
        pthread_key_create(&key, NULL))
        abort();
    return run_places(places, countof(places));
}
