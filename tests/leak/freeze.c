/* Stopping all threads, cloning, and what is true in the clone. */
#include "leak/freeze.h"

#include "base/atomic.h"
#include "base/os.h"
#include "leak/own.h"
#include "leak/raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

/* What the clone found, in memory that is shared. */
static struct shared {
    _Atomic uint64_t result[8];
    _Atomic uint64_t done;
} * shared;

static int setup(void **state)
{
    (void)state;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED;
}

static int teardown(void **state)
{
    (void)state;
    munmap(shared, sizeof *shared);
    return 0;
}

static struct oak__freeze job(int (*fn)(void *))
{
    return (struct oak__freeze){.fn = fn, .limit = 60 * OAK_SECOND};
}

static int say_done(void *arg)
{
    (void)arg;
    store_seq(&shared->done, 1);
    return 7;
}

static void a_function_runs_in_the_clone(void **state)
{
    (void)state;
    struct oak__freeze f = job(say_done);
    assert_int_equal(oak__freeze_run(&f), 0);
    assert_int_equal(f.status, 7);
    assert_int_equal(load_seq(&shared->done), 1);
    assert_true(f.pause > 0 && f.duration >= f.pause);
}

/* ---- threads ---- */

enum { THREADS = 6 };
static struct {
    pthread_t t[THREADS];
    _Atomic uint64_t a[THREADS], b[THREADS]; /* each thread keeps a == b or a == b + 1 */
    _Atomic bool over;
} busy;

/* Keeps two words in step; the clone must see a moment of it, not a mixture. */
static void *keep_in_step(void *arg)
{
    size_t i = (size_t)(uintptr_t)arg;
    while (!load_relaxed(&busy.over)) {
        fetch_add_seq(&busy.a[i], 1);
        fetch_add_seq(&busy.b[i], 1);
    }
    return NULL;
}

/*
 * In the clone. Not instrumented: the thread sanitizer takes a lock for an atomic access, and a thread may have been
 * stopped in it.
 */
SCHEDULER_STEP static NOINLINE int look_twice(void *arg)
{
    (void)arg;
    uint64_t sum[2] = {0, 0}, torn = 0;
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < THREADS; i++) {
            uint64_t a = busy.a[i], b = busy.b[i];
            sum[k] += a;
            torn += a - b > 1;
        }
        for (volatile int spin = 0; spin < 1000000; spin++)
            ;
    }
    shared->result[0] = sum[0] == sum[1] && !torn;
    struct oak__scratch s;
    struct oak__image img = {.maps = NULL};
    if (oak__scratch_init(&s, oak__scratch_small()) || oak__freeze_threads(&img, &s))
        return 1;
    shared->result[1] = img.nthreads;
    return 0;
}

static void nothing_moves_in_the_clone(void **state)
{
    (void)state;
    store_seq(&busy.over, false);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&busy.t[i], NULL, keep_in_step, (void *)(uintptr_t)i);
    for (int round = 0; round < 20; round++) {
        struct oak__freeze f = job(look_twice);
        assert_int_equal(oak__freeze_run(&f), 0);
        assert_int_equal(f.status, 0);
        assert_int_equal(load_seq(&shared->result[0]), 1);
        assert_true(load_seq(&shared->result[1]) >= THREADS + 1);
    }
    uint64_t before = load_seq(&busy.a[0]);
    while (load_seq(&busy.a[0]) == before) /* they go on afterwards */
        sched_yield();
    store_seq(&busy.over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(busy.t[i], NULL);
}

static void *be_born_and_die(void *arg)
{
    fetch_add_seq((_Atomic uint64_t *)arg, 1);
    return NULL;
}

static void *breed(void *arg)
{
    while (!load_relaxed(&busy.over)) {
        pthread_t t;
        if (pthread_create(&t, NULL, be_born_and_die, arg) == 0)
            pthread_join(t, NULL);
    }
    return NULL;
}

static void threads_may_come_and_go_meanwhile(void **state)
{
    (void)state;
    static _Atomic uint64_t born;
    pthread_t t[2];
    store_seq(&busy.over, false);
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, breed, &born);
    for (int round = 0; round < 50; round++) {
        struct oak__freeze f = job(say_done);
        assert_int_equal(oak__freeze_run(&f), 0);
    }
    store_seq(&busy.over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}

/* ---- registers ---- */

#define SECRET 0x0123456789abcdefull
static _Atomic bool spinning;

/* Keeps a value in a register alone, so far as the compiler can be told. */
static void *hold_in_register(void *arg)
{
    (void)arg;
    register uint64_t secret __asm__(
#if defined(__x86_64__)
        "r12"
#else
        "x21"
#endif
        ) = ~SECRET;
    secret = ~secret;
    store_seq(&spinning, true);
    while (!load_relaxed(&busy.over))
        __asm__ volatile("" : "+r"(secret));
    return NULL;
}

__attribute__((no_sanitize("address"))) static bool in_span(uintptr_t lo, uintptr_t hi)
{
    for (uintptr_t a = lo; a + 8 <= hi; a += 8)
        if (*(volatile uint64_t *)a == SECRET)
            return true;
    return false;
}

static int look_for_secret(void *arg)
{
    (void)arg;
    struct oak__scratch s;
    struct oak__own own;
    if (oak__scratch_init(&s, oak__scratch_small()) || oak__own_open(&own, &s, true) ||
        oak__freeze_threads(&own.img, &s))
        return 1;
    uint64_t found = 0;
    for (size_t i = 0; i < own.img.nthreads; i++) {
        const struct oak__thread *t = &own.img.threads[i];
        const struct oak__mapping *m = oak__image_mapping(&own.img, t->sp);
        found += m && in_span(t->sp, m->hi);
        found += in_span(t->regs.lo, t->regs.hi);
    }
    store_seq(&shared->result[0], found);
    return 0;
}

static void a_value_in_a_register_alone_is_found(void **state)
{
    (void)state;
    pthread_t t;
    store_seq(&busy.over, false);
    pthread_create(&t, NULL, hold_in_register, NULL);
    while (!load_seq(&spinning))
        sched_yield();
    struct oak__freeze f = job(look_for_secret);
    assert_int_equal(oak__freeze_run(&f), 0);
    assert_int_equal(f.status, 0);
    store_seq(&busy.over, true);
    pthread_join(t, NULL);
    assert_true(load_seq(&shared->result[0]) >= 1);
}

/* ---- signals ---- */

static void *sleep_with_all_signals_blocked(void *arg)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    store_seq(&spinning, true);
    while (!load_seq((_Atomic bool *)arg))
        usleep(1000);
    return NULL;
}

static void a_thread_that_blocks_all_signals_is_stopped_too(void **state)
{
    (void)state;
    pthread_t t;
    store_seq(&busy.over, false);
    store_seq(&spinning, false);
    pthread_create(&t, NULL, sleep_with_all_signals_blocked, &busy.over);
    while (!load_seq(&spinning))
        sched_yield();
    struct oak__freeze f = job(say_done);
    assert_int_equal(oak__freeze_run(&f), 0);
    store_seq(&busy.over, true);
    pthread_join(t, NULL);
}

static void *become(void *arg)
{
    *(int *)arg = setgid(getgid());
    return NULL;
}

static void setuid_in_all_threads_still_works(void **state)
{
    (void)state;
    pthread_t t, u;
    int result = -1;
    store_seq(&busy.over, false);
    pthread_create(&u, NULL, sleep_with_all_signals_blocked, &busy.over);
    struct oak__freeze f = job(say_done);
    assert_int_equal(oak__freeze_run(&f), 0);
    pthread_create(&t, NULL, become, &result);
    pthread_join(t, NULL);
    assert_int_equal(result, 0);
    store_seq(&busy.over, true);
    pthread_join(u, NULL);
}

/* The first thread of a process may end before the others; until they have, it is listed among them. */
static void *freeze_without_a_leader(void *arg)
{
    struct oak__freeze f = job(say_done);
    pthread_join(*(pthread_t *)arg, NULL);
    _exit(oak__freeze_run(&f) == 0 && f.status == 7 ? 0 : 1);
}

static void a_leader_that_has_ended_is_not_waited_for(void **state)
{
    (void)state;
    int status = -1;
    if (oak__os_advice_is_ignored()) {
        print_message("skipped: without a leader qemu-user has no /proc/self/maps to show, by which its own "
                      "thread is known\n");
        skip();
    }
    if (OAK_TSAN) {
        print_message("skipped: the thread sanitizer breaks off in a process whose first thread has ended\n");
        skip();
    }
    pid_t pid = fork();
    if (pid == 0) {
        static pthread_t leader;
        pthread_t t;
        leader = pthread_self();
        alarm(100);
        if (pthread_create(&t, NULL, freeze_without_a_leader, &leader))
            _exit(2);
        pthread_exit(NULL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static _Atomic int children;
static void on_child(int sig)
{
    (void)sig;
    fetch_add_seq(&children, 1);
}

/* An emulator may know fork only. */
static bool clones_without_a_signal(void)
{
    long pid = raw(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (pid == 0)
        raw(SYS_exit_group, 0);
    if (pid > 0)
        raw(SYS_wait4, pid, NULL, __WALL, NULL);
    return pid > 0;
}

static void the_program_does_not_see_the_clone(void **state)
{
    (void)state;
    if (!clones_without_a_signal()) {
        print_message("skipped: clone(2) without a signal at the end is refused here, as by qemu-user\n");
        skip();
    }
    signal(SIGCHLD, on_child);
    struct oak__freeze f = job(say_done);
    assert_int_equal(oak__freeze_run(&f), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(load_seq(&children), 0);
    /* Nor when the program lets the kernel bury its children. */
    signal(SIGCHLD, SIG_IGN);
    assert_int_equal(oak__freeze_run(&f), 0);
    assert_int_equal(f.status, 7);
    signal(SIGCHLD, SIG_DFL);
}

/* ---- files ---- */

static int check_no_files(void *arg)
{
    int fd = *(int *)arg;
    store_seq(&shared->result[0], raw(SYS_fcntl, fd, F_GETFD) == -EBADF);
    store_seq(&shared->result[1], raw(SYS_fcntl, 0, F_GETFD) == -EBADF);
    return 0;
}

static void the_clone_holds_no_descriptor_of_the_program(void **state)
{
    (void)state;
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    struct oak__freeze f = job(check_no_files);
    f.arg = &fd[1];
    assert_int_equal(oak__freeze_run(&f), 0);
    assert_int_equal(load_seq(&shared->result[0]), 1);
    assert_int_equal(load_seq(&shared->result[1]), 1);
    assert_int_equal(write(fd[1], "x", 1), 1); /* and the program still has them */
    close(fd[0]);
    close(fd[1]);
}

/* ---- what goes wrong ---- */

static int hang(void *arg)
{
    while (!load_seq((_Atomic bool *)arg))
        raw(SYS_sched_yield);
    return 0;
}

static void a_clone_that_hangs_is_killed(void **state)
{
    (void)state;
    static _Atomic bool never;
    struct oak__freeze f = job(hang);
    f.arg = &never;
    f.limit = 50 * OAK_MILLISECOND;
    assert_int_equal(oak__freeze_run(&f), -EIO);
    assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
}

static int crash(void *arg)
{
    *(volatile int *)arg = 1;
    return 0;
}

static void a_clone_that_crashes_is_reported(void **state)
{
    (void)state;
    struct oak__freeze f = job(crash);
    f.arg = (void *)(uintptr_t)64;
    assert_int_equal(oak__freeze_run(&f), -EIO);
}

static void no_process_no_check(void **state)
{
    (void)state;
    struct oak__freeze f = job(say_done);
    oak__fault_set(OAK__FAULT_FORK, 0, 1, EAGAIN);
    assert_int_equal(oak__freeze_run(&f), -EAGAIN);
    assert_int_equal(oak__freeze_run(&f), 0);
}

static int count_moments(void *arg)
{
    (void)arg;
    return 0;
}

static _Atomic int moments;
static bool third_time(void *arg)
{
    (void)arg;
    return fetch_add_seq(&moments, 1) == 2;
}

static void it_waits_for_a_good_moment(void **state)
{
    (void)state;
    struct oak__freeze f = job(count_moments);
    f.good_moment = third_time;
    assert_int_equal(oak__freeze_run(&f), 0);
    assert_int_equal(load_seq(&moments), 3);
}

static int look_for_lost_memory(void *arg)
{
    (void)arg;
    store_seq(&shared->result[0], oak__freeze_lost_memory());
    return 0;
}

static void memory_that_a_clone_does_not_get_is_noticed(void **state)
{
    (void)state;
    if (oak__os_advice_is_ignored()) {
        print_message("skipped: MADV_DONTFORK does nothing here, as under qemu-user\n");
        skip();
    }
    struct oak__freeze f = job(look_for_lost_memory);
    assert_int_equal(oak__freeze_run(&f), 0);
    assert_int_equal(load_seq(&shared->result[0]), 0);
    void *p = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_int_equal(madvise(p, 1 << 16, MADV_DONTFORK), 0);
    assert_int_equal(oak__freeze_run(&f), 0);
    assert_int_equal(load_seq(&shared->result[0]), 1);
    munmap(p, 1 << 16);
}

static int read_guarded(void *arg)
{
    struct oak__scratch s;
    struct oak__own own;
    if (oak__scratch_init(&s, oak__scratch_small()) || oak__own_open(&own, &s, true))
        return 1;
    oak__freeze_guard_reads(&own.img);
    store_seq(&shared->result[0], *(volatile uint64_t *)arg == 0 && own.img.nullified == 1);
    return 0;
}

/* A mapping of a file that has become shorter. */
static void a_page_that_cannot_be_read_counts_as_zero(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_int_equal(ftruncate(fileno(file), 8192), 0);
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    assert_int_equal(ftruncate(fileno(file), 4096), 0);
    struct oak__freeze f = job(read_guarded);
    f.arg = p + 4096;
    assert_int_equal(oak__freeze_run(&f), 0);
    assert_int_equal(f.status, 0);
    assert_int_equal(load_seq(&shared->result[0]), 1);
    munmap(p, 8192);
    fclose(file);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_function_runs_in_the_clone),
        TEST(nothing_moves_in_the_clone),
        TEST(threads_may_come_and_go_meanwhile),
        TEST(a_value_in_a_register_alone_is_found),
        TEST(a_thread_that_blocks_all_signals_is_stopped_too),
        TEST(setuid_in_all_threads_still_works),
        TEST(a_leader_that_has_ended_is_not_waited_for),
        TEST(the_program_does_not_see_the_clone),
        TEST(the_clone_holds_no_descriptor_of_the_program),
        TEST(a_clone_that_hangs_is_killed),
        TEST(a_clone_that_crashes_is_reported),
        TEST(no_process_no_check),
        TEST(it_waits_for_a_good_moment),
        TEST(memory_that_a_clone_does_not_get_is_noticed),
        TEST(a_page_that_cannot_be_read_counts_as_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
