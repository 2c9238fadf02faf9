/* Goroutines: starting, giving way, sleeping, blocking calls. */
#include "support/goroutine.h"
#include "sched/m.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static _Atomic int counter;

static void count_one(void *arg)
{
    fetch_add_relaxed(&counter, *(int *)arg);
}

TEST(spawn_runs_the_function)
{
    static int two = 2;
    store_relaxed(&counter, 0);
    for (int i = 0; i < 1000; i++)
        expect(oak_spawn(count_one, &two) == 0);
    wait_until(load_relaxed(&counter) == 2000);
}

static _Atomic bool enough;

static void yield_for_ever(void *arg)
{
    (void)arg;
    while (!load_relaxed(&enough))
        oak_yield();
    fetch_add_relaxed(&counter, 1);
}

static void sleep_and_count(void *arg)
{
    expect(oak_sleep(OAK_MILLISECOND) == 0);
    fetch_add_relaxed(&counter, *(int *)arg);
}

/* Timers fire although no run queue ever has room for those that they wake. */
TEST(sleepers_wake_among_many_that_never_wait)
{
    static int one = 1;
    enum { BUSY = 400, SLEEPERS = 300 };
    store_relaxed(&counter, 0);
    store_relaxed(&enough, false);
    for (int i = 0; i < BUSY; i++)
        expect(oak_spawn(yield_for_ever, NULL) == 0);
    for (int i = 0; i < SLEEPERS; i++)
        expect(oak_spawn(sleep_and_count, &one) == 0);
    wait_until(load_relaxed(&counter) == SLEEPERS);
    store_relaxed(&enough, true);
    wait_until(load_relaxed(&counter) == SLEEPERS + BUSY);
}

struct wide {
    char text[200];
};

OAK_TASK(add_six, char, a, short, b, int, c, long, d, double, e, struct wide, f)
{
    expect(strcmp(f.text, "wide") == 0);
    fetch_add_relaxed(&counter, a + b + c + (int)d + (int)e);
}

TEST(arguments_are_copied)
{
    store_relaxed(&counter, 0);
    struct wide w = {"wide"};
    int c = 3;
    expect(oak_go_detached(add_six, 1, 2, c, 4, 5.0, w) == 0);
    c = 0;
    strcpy(w.text, "changed");
    wait_until(load_relaxed(&counter) == 15);
}

TEST(bad_spawns_are_refused)
{
    struct oak_spawn_opts huge = {.stack_size = 64 << 20};
    expect(oak_spawn(NULL, NULL) == -EINVAL);
    expect(oak_spawn_with(&huge, count_one, NULL) == -EINVAL);
}

OAK_TASK(use_stack, size_t, bytes, oak_chan(int), done)
{
    volatile char *p = __builtin_alloca(bytes);
    for (size_t i = 0; i < bytes; i += 512)
        p[i] = 1;
    expect(oak_send(done, 1) == 0);
}

static void deep(void *arg)
{
    volatile char big[700 * 1024];
    for (size_t i = 0; i < sizeof big; i += 512)
        big[i] = 1;
    fetch_add_relaxed((_Atomic int *)arg, big[512]);
}

TEST(stacks_are_as_large_as_asked)
{
    static _Atomic int ran;
    struct oak_spawn_opts opts = {.name = "deep", .stack_size = 1 << 20};
    expect(oak_spawn_with(&opts, deep, &ran) == 0);
    wait_until(load_relaxed(&ran) == 1);
    oak_chan(int) done = oak_make(int, 0);
    int v;
    expect(oak_go_detached(use_stack, 48 * 1024, done) == 0);
    expect(oak_recv(done, &v) == 0);
    oak_chan_free(done);
}

OAK_TASK(say_id, oak_chan(uint64_t), ch)
{
    expect(oak_in_goroutine());
    expect(oak_send(ch, oak_self()) == 0);
}

TEST(ids_are_never_used_again)
{
    oak_chan(uint64_t) ch = oak_make(uint64_t, 0);
    uint64_t seen[200];
    for (int i = 0; i < 200; i++) {
        expect(oak_go_detached(say_id, ch) == 0);
        expect(oak_recv(ch, &seen[i]) == 0 && seen[i] != 0 && seen[i] != oak_self());
        for (int j = 0; j < i; j++)
            expect(seen[j] != seen[i]);
    }
    oak_chan_free(ch);
}

OAK_TASK(take_turns, int, me, _Atomic int *, order, _Atomic int *, n)
{
    for (int i = 0; i < 3; i++) {
        order[(*n)++] = me;
        oak_yield();
    }
}

TEST(yield_lets_others_run)
{
    static _Atomic int order[16], n;
    if (oak_procs() != 1)
        return; /* order is promised for one P only; the test runs with OAK_PROCS=1 as well */
    expect(oak_go_detached(take_turns, 1, order, &n) == 0 && oak_go_detached(take_turns, 2, order, &n) == 0);
    while (n < 6)
        oak_yield();
    for (int i = 0; i + 1 < 6; i++)
        expect(order[i] != order[i + 1]);
}

OAK_TASK(wake_each_other, oak_chan(int), in, oak_chan(int), out, _Atomic int *, stop)
{
    int v;
    while (!load_relaxed(stop) && oak_recv(in, &v) == 0 && oak_send(out, v) == 0)
        ;
}

/* The LIFO slot is bounded: two goroutines that keep waking each other do not starve a third on the same P.
 */
TEST(two_yielders_do_not_starve_a_third)
{
    static _Atomic int stop;
    static int two = 2;
    oak_chan(int) a = oak_make(int, 0), b = oak_make(int, 0);
    store_relaxed(&counter, 0);
    expect(oak_go_detached(wake_each_other, a, b, &stop) == 0);
    expect(oak_go_detached(wake_each_other, b, a, &stop) == 0);
    expect(oak_send(a, 1) == 0);
    for (int i = 0; i < 50; i++)
        expect(oak_spawn(count_one, &two) == 0);
    while (load_relaxed(&counter) < 100)
        oak_yield();
    store_relaxed(&stop, 1);
    oak_chan_close(a);
    oak_chan_close(b);
    (void)oak_sleep(2 * OAK_MILLISECOND);
}

TEST(sleep_is_never_short)
{
    for (int i = 0; i < 20; i++) {
        int64_t d = i * 300 * OAK_MICROSECOND, before = oak_now();
        expect(oak_sleep(d) == 0);
        expect(oak_now() - before >= d);
    }
    expect(oak_sleep(-1) == 0);
}

OAK_TASK(sleep_for, int64_t, d, oak_chan(int64_t), out)
{
    expect(oak_sleep(d) == 0);
    expect(oak_send(out, d) == 0);
}

/* Sleeps of many lengths at once, each at least as long as asked. (Their order is the wheel's test.) */
TEST(many_sleepers_wake)
{
    oak_chan(int64_t) out = oak_make(int64_t, 0);
    int64_t before = oak_now(), sum = 0, d;
    for (int i = 100; i > 0; i--)
        expect(oak_go_detached(sleep_for, i * 300 * OAK_MICROSECOND, out) == 0);
    for (int i = 0; i < 100; i++) {
        expect(oak_recv(out, &d) == 0);
        expect(oak_now() - before >= d);
        sum += d;
    }
    expect(sum == 5050 * 300 * OAK_MICROSECOND);
    oak_chan_free(out);
}

OAK_TASK(hog, _Atomic int *, stop)
{
    while (!load_acquire(stop))
        ;
}

/* More computations than Ps that never call the runtime: the others go on all the same. A bound in events. */
TEST(cpu_hogs_stall_nobody)
{
    static _Atomic int stop;
    store_relaxed(&stop, 0);
    for (int i = 0; i < oak_procs() + 1; i++)
        expect(oak_go_detached(hog, &stop) == 0);
    oak_chan(int64_t) out = oak_make(int64_t, 0);
    int64_t d;
    for (int i = 0; i < 20; i++) {
        expect(oak_go_detached(sleep_for, OAK_MILLISECOND, out) == 0);
        expect(oak_recv(out, &d) == 0);
    }
    store_release(&stop, 1);
    oak_chan_free(out);
}

OAK_TASK(block_thread, int, fd, _Atomic int *, ended)
{
    char c;
    expect(read(fd, &c, 1) == 1); /* a call of which the runtime knows nothing */
    fetch_add_seq(ended, 1);
}

TEST(blocking_calls_stall_nobody)
{
    static _Atomic int ended;
    int fds[2], n = oak_procs() + 2;
    expect(pipe(fds) == 0);
    for (int i = 0; i < n; i++)
        expect(oak_go_detached(block_thread, fds[0], &ended) == 0);
    oak_chan(int64_t) out = oak_make(int64_t, 0);
    int64_t d;
    for (int i = 0; i < 20; i++) {
        expect(oak_go_detached(sleep_for, OAK_MILLISECOND, out) == 0);
        expect(oak_recv(out, &d) == 0);
    }
    expect(load_relaxed(&ended) == 0);
    for (int i = 0; i < n; i++)
        expect(write(fds[1], "x", 1) == 1);
    wait_until(load_acquire(&ended) == n);
    close(fds[0]);
    close(fds[1]);
    oak_chan_free(out);
}

OAK_TASK(block_known, int, fd, _Atomic int *, ended)
{
    char c;
    ssize_t n = 0;
    oak_blocking {
        n = read(fd, &c, 1);
    }
    expect(n == 1);
    fetch_add_seq(ended, 1);
}

TEST(known_blocking_calls_hand_over)
{
    static _Atomic int ended;
    int fds[2], n = 8;
    expect(pipe(fds) == 0);
    for (int i = 0; i < n; i++)
        expect(oak_go_detached(block_known, fds[0], &ended) == 0);
    (void)oak_sleep(5 * OAK_MILLISECOND);
    for (int i = 0; i < n; i++)
        expect(write(fds[1], "x", 1) == 1);
    wait_until(load_acquire(&ended) == n);
    close(fds[0]);
    close(fds[1]);
}

static void note_stack(void *arg)
{
    char big[1 << 20];
    memset(big, 1, sizeof big);
    *(uintptr_t *)arg = (uintptr_t)big + (size_t)big[5];
}

TEST(calls_on_the_thread_stack)
{
    uintptr_t where = 0;
    char here;
    expect(oak_on_thread_stack(NULL, NULL) == -EINVAL);
    for (int i = 0; i < 100; i++)
        expect(oak_on_thread_stack(note_stack, &where) == 0);
    expect(where && labs((intptr_t)where - (intptr_t)&here) > (1 << 20));
}

OAK_TASK(send_later, oak_chan(int), ch)
{
    (void)oak_sleep(2 * OAK_MILLISECOND);
    expect(oak_send(ch, 7) == 0);
}

static void mark(void *arg)
{
    *(bool *)arg = true;
}

/* Blocks, is blocked, starts, calls deeper. */
static void do_everything(void *arg)
{
    oak_chan(int) ch = (oak_chan(int))(uintptr_t)arg;
    static oak_mutex mu;
    char text[100];
    int v = 0;
    bool called = false;
    expect(oak_sleep(OAK_MILLISECOND) == 0);
    expect(oak_go_detached(send_later, ch) == 0);
    expect(oak_recv(ch, &v) == 0 && v == 7);
    expect(oak_recv_timeout(ch, &v, OAK_MILLISECOND) == -ETIMEDOUT);
    expect(oak_mutex_lock(&mu) == 0);
    oak_mutex_unlock(&mu);
    expect(oak_on_thread_stack(mark, &called) == 0 && called);
    expect(oak_symbolize(&v, text, sizeof text) > 0);
    oak_yield();
    called = false;
    oak_scope (s) {
        expect(oak_spawn_with(&(struct oak_spawn_opts){.scope = s}, mark, &called) == 0);
    }
    expect(called);
}

TEST(calls_on_the_thread_stack_may_block_and_start_others)
{
    oak_chan(int) ch = oak_make(int, 0);
    const uint64_t self = oak_self();
    for (int i = 0; i < 20; i++)
        expect(oak_on_thread_stack(do_everything, (void *)(uintptr_t)ch) == 0);
    expect(oak_self() == self && oak_in_goroutine());
    oak_chan_free(ch);
}

static void sleep_long(void *arg)
{
    *(int *)arg = oak_sleep(OAK_HOUR);
}

TEST(calls_on_the_thread_stack_have_the_caller_s_context)
{
    int err = 1;
    oak_with_timeout (OAK_MILLISECOND)
        expect(oak_on_thread_stack(sleep_long, &err) == 0);
    expect(err == -ETIMEDOUT && oak_sleep(1) == 0);
}

static void panic_deep(void *arg)
{
    oak_defer(mark, arg);
    oak_panic("deep down");
}

static void call_that_panics(void *arg)
{
    (void)oak_on_thread_stack(panic_deep, arg);
    expect(!"the panic went on");
}

TEST(panics_in_calls_on_the_thread_stack_go_on_in_the_caller)
{
    for (int i = 0; i < 20; i++) {
        struct oak_panic_info info;
        bool left = false;
        expect(oak_recover(call_that_panics, &left, &info) == -ENOTRECOVERABLE);
        expect(left && strcmp(info.message, "deep down") == 0 && info.goroutine == oak_self());
        oak_yield();
    }
}

static void fork_deep(void *arg)
{
    *(pid_t *)arg = fork();
}

TEST(calls_on_the_thread_stack_may_fork)
{
    pid_t pid = -1;
    int status;
    expect(oak_on_thread_stack(fork_deep, &pid) == 0);
    if (pid == 0)
        _exit(oak_sleep(OAK_MILLISECOND) == 0 ? 5 : 6);
    expect(pid > 0 && waitpid(pid, &status, 0) == pid);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}

static void *spawn_from_thread(void *arg)
{
    static int one = 1;
    (void)arg;
    expect(!oak_in_goroutine());
    for (int i = 0; i < 100; i++)
        expect(oak_spawn(count_one, &one) == 0);
    oak_yield();
    expect(oak_sleep(OAK_MILLISECOND) == 0);
    return NULL;
}

static void plain_threads_spawn_and_sleep(void **state)
{
    (void)state;
    store_relaxed(&counter, 0);
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&t[i], NULL, spawn_from_thread, NULL), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    while (load_relaxed(&counter) < 300)
        (void)oak_sleep(OAK_MILLISECOND);
}

static int run_again(int argc, char **argv)
{
    expect(argv && argc == 3);
    expect(oak_run(run_again, 0, NULL) == -EDEADLK);
    return argc * 10;
}

static void run_passes_arguments_and_result(void **state)
{
    (void)state;
    char a[] = "a", b[] = "b", c[] = "c", *args[] = {a, b, c, NULL};
    assert_int_equal(oak_run(NULL, 0, NULL), -EINVAL);
    assert_int_equal(oak_run(run_again, 3, args), 30);
    assert_int_equal(oak_run(run_again, 3, args), 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_passes_arguments_and_result),
        cmocka_unit_test(spawn_runs_the_function),
        cmocka_unit_test(sleepers_wake_among_many_that_never_wait),
        cmocka_unit_test(arguments_are_copied),
        cmocka_unit_test(bad_spawns_are_refused),
        cmocka_unit_test(stacks_are_as_large_as_asked),
        cmocka_unit_test(ids_are_never_used_again),
        cmocka_unit_test(yield_lets_others_run),
        cmocka_unit_test(two_yielders_do_not_starve_a_third),
        cmocka_unit_test(sleep_is_never_short),
        cmocka_unit_test(many_sleepers_wake),
        cmocka_unit_test(cpu_hogs_stall_nobody),
        cmocka_unit_test(blocking_calls_stall_nobody),
        cmocka_unit_test(known_blocking_calls_hand_over),
        cmocka_unit_test(calls_on_the_thread_stack),
        cmocka_unit_test(calls_on_the_thread_stack_may_block_and_start_others),
        cmocka_unit_test(calls_on_the_thread_stack_have_the_caller_s_context),
        cmocka_unit_test(panics_in_calls_on_the_thread_stack_go_on_in_the_caller),
        cmocka_unit_test(calls_on_the_thread_stack_may_fork),
        cmocka_unit_test(plain_threads_spawn_and_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
