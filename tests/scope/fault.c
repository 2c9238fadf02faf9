/* Faults of goroutines: reported with their stack, the default action afterwards; or panics; never others'
 * handlers. Each in a forked child. */
#include "../support/goroutine.h"
#include "../support/child.h"

#include "base/common.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

static struct child c;
static volatile int zero;
static volatile char *volatile nowhere;

/* Called, so that its caller has a frame: leaf functions have none, whatever the compiler is told. */
__attribute__((noinline)) static void nothing(void)
{
    __asm__ volatile("");
}

__attribute__((noinline)) static void write_nowhere(void *arg)
{
    (void)arg;
    nothing();
    nowhere[16] = 1;
    nothing();
    __asm__ volatile(""); /* no tail call */
}

__attribute__((noinline)) static void write_read_only(void *arg)
{
    (void)arg;
    volatile char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p[0] = 1;
}

__attribute__((noinline)) static void divide(void *arg)
{
#if defined(__x86_64__)
    *(int *)arg = 7 / zero;
#else
    (void)arg;
    raise(SIGFPE); /* divisions do not trap there */
#endif
}

__attribute__((noinline)) static void read_past_file(void *arg)
{
    char path[] = "/tmp/oakum-fault-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    volatile char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    *(int *)arg = p[0];
}

__attribute__((noinline)) static int deep(int n)
{
    volatile char room[256];
    room[n & 255] = (char)n;
    return n == 0 ? room[0] : deep(n - 1) + room[n & 255];
}

/* ---- reports ---- */

OAK_TASK(named_fault, int, unused)
{
    (void)unused;
    oak_set_name("clumsy");
    write_nowhere(NULL);
}

static int app_segv(int argc, char **argv)
{
    (void)argc, (void)argv;
    expect(oak_go_detached(named_fault, 0) == 0);
    return oak_sleep(OAK_HOUR);
}

static void segv_is_reported_and_ends_the_process_by_its_signal(void **state)
{
    (void)state;
    run_child(&c, app_segv);
    assert_true(ended_by(&c, SIGSEGV));
    assert_says(&c, "oakum: SIGSEGV in goroutine 2 \"clumsy\", address 0x10, at 0x");
    assert_says(&c, "write_nowhere");
    assert_says(&c, "named_fault");
    assert_says(&c, "created by goroutine 1 in app_segv");
}

static int app_fpe(int argc, char **argv)
{
    int n;
    (void)argc, (void)argv;
    divide(&n);
    return 0;
}

static void fpe_is_reported(void **state)
{
    (void)state;
    run_child(&c, app_fpe);
    assert_true(ended_by(&c, SIGFPE));
    assert_says(&c, "oakum: SIGFPE in goroutine 1 \"main\"");
}

static int app_bus(int argc, char **argv)
{
    int n;
    (void)argc, (void)argv;
    read_past_file(&n);
    return 0;
}

static void bus_is_reported(void **state)
{
    (void)state;
    run_child(&c, app_bus);
    assert_true(ended_by(&c, SIGBUS));
    assert_says(&c, "oakum: SIGBUS in goroutine 1 \"main\"");
    assert_says(&c, "read_past_file");
}

static void run_deep(void *arg)
{
    *(int *)arg = deep(1 << 20);
}

static int app_overflow(int argc, char **argv)
{
    int n;
    (void)argc, (void)argv;
    const struct oak_spawn_opts small = {.name = "deep one", .stack_size = 1 << 16};
    oak_panic_on_fault(true); /* changes nothing for an overflow */
    expect(oak_spawn_with(&small, run_deep, &n) == 0);
    return oak_sleep(OAK_HOUR);
}

static void stack_overflow_is_told_as_such(void **state)
{
    (void)state;
    run_child(&c, app_overflow);
    assert_true(ended_by(&c, SIGSEGV));
    assert_says(&c, "oakum: stack overflow, SIGSEGV in goroutine 2 \"deep one\"");
    assert_says(&c, "larger .stack_size in struct oak_spawn_opts");
    assert_says(&c, "deep");
}

static int app_killed(int argc, char **argv)
{
    (void)argc, (void)argv;
    raise(SIGSEGV);
    return 0;
}

static void signal_that_was_sent_is_told_as_such(void **state)
{
    (void)state;
    run_child(&c, app_killed);
    assert_true(ended_by(&c, SIGSEGV));
    assert_says(&c, "sent by a process");
}

/* ---- not ours ---- */

static void *thread_faults(void *arg)
{
    write_nowhere(arg);
    return NULL;
}

static int app_thread_faults(int argc, char **argv)
{
    (void)argc, (void)argv;
    pthread_t t;
    oak_panic_on_fault(true);
    expect(pthread_create(&t, NULL, thread_faults, NULL) == 0);
    pthread_join(t, NULL);
    return 0;
}

static void fault_of_a_plain_thread_is_left_alone(void **state)
{
    (void)state;
    run_child(&c, app_thread_faults);
    assert_true(ended_by(&c, SIGSEGV));
    assert_string_equal(c.err, "");
}

static void own_handler(int sig)
{
    (void)!write(STDERR_FILENO, "mine\n", 5);
    _exit(40 + (sig == SIGSEGV));
}

static int app_faults(int argc, char **argv)
{
    (void)argc, (void)argv;
    write_nowhere(NULL);
    return 0;
}

static void handler_set_before_stays(void **state)
{
    (void)state;
    run_child_with(&c, app_faults, own_handler);
    assert_true(exited_with(&c, 41));
    assert_string_equal(c.err, "mine\n");
}

static int app_sets_handler(int argc, char **argv)
{
    (void)argc, (void)argv;
    signal(SIGSEGV, own_handler);
    write_nowhere(NULL);
    return 0;
}

static void handler_set_later_replaces_ours(void **state)
{
    (void)state;
    run_child(&c, app_sets_handler);
    assert_true(exited_with(&c, 41));
    assert_string_equal(c.err, "mine\n");
}

/* ---- as panics ---- */

static void say(void *text)
{
    dprintf(STDERR_FILENO, "deferred: %s\n", (const char *)text);
}

static void fault_with_a_defer(void *arg)
{
    oak_defer(say, (void *)"d");
    write_nowhere(arg);
}

static int app_recovers(int argc, char **argv)
{
    struct oak_panic_info p;
    int n = 0;
    (void)argc, (void)argv;
    expect(oak_panic_on_fault(true) == false);
    expect(oak_panic_on_fault(true) == true);
    for (int i = 0; i < 100; i++) {
        expect(oak_recover(i ? write_nowhere : fault_with_a_defer, NULL, &p) == -ENOTRECOVERABLE);
        expect(p.signal == SIGSEGV && strstr(p.message, "SIGSEGV: nothing is mapped there (address 0x10)"));
        char *site = p.site;
        expect(site >= (char *)(uintptr_t)write_nowhere && site < (char *)(uintptr_t)write_nowhere + 64);
        (void)oak_sleep(1);
    }
    expect(oak_recover(write_read_only, NULL, &p) == -ENOTRECOVERABLE);
    expect(p.signal == SIGSEGV && strstr(p.message, "SIGSEGV: no permission"));
    expect(oak_recover(read_past_file, &n, &p) == -ENOTRECOVERABLE);
    expect(p.signal == SIGBUS && strstr(p.message, "SIGBUS"));
#if defined(__x86_64__)
    expect(oak_recover(divide, &n, &p) == -ENOTRECOVERABLE);
    expect(p.signal == SIGFPE && strstr(p.message, "SIGFPE: division by zero"));
#endif
    return 7;
}

static void fault_becomes_a_panic_on_request(void **state)
{
    (void)state;
    run_child(&c, app_recovers);
    assert_string_equal(c.err, "deferred: d\n");
    assert_true(exited_with(&c, 7));
}

static int app_child_faults(int argc, char **argv)
{
    int err = 0;
    struct oak_scope_error e;
    (void)argc, (void)argv;
    oak_panic_on_fault(true);
    oak_scope (s, .err = &err) {
        expect(oak_go(s, named_fault, 0) == 0);
        expect(oak_scope_wait(s) == -ENOTRECOVERABLE);
        expect(oak_scope_error_at(s, 0, &e) == 0 && strstr(e.panic, "SIGSEGV"));
    }
    return err == -ENOTRECOVERABLE ? 7 : 8;
}

static void fault_of_a_scopes_child_becomes_its_error(void **state)
{
    (void)state;
    run_child(&c, app_child_faults);
    assert_true(exited_with(&c, 7));
    assert_string_equal(c.err, "");
}

static int app_unrecovered(int argc, char **argv)
{
    (void)argc, (void)argv;
    oak_panic_on_fault(true);
    write_nowhere(NULL);
    return 0;
}

static void unrecovered_one_shows_where_it_was(void **state)
{
    (void)state;
    run_child(&c, app_unrecovered);
    assert_true(ended_by(&c, SIGABRT));
    assert_says(&c, "panic: SIGSEGV: nothing is mapped there (address 0x10)\n");
    assert_says(&c, "write_nowhere");
    assert_says(&c, "app_unrecovered");
}

int main(void)
{
#if OAK_ASAN
    print_message("the address sanitizer has the handlers\n");
    return 77;
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segv_is_reported_and_ends_the_process_by_its_signal),
        cmocka_unit_test(fpe_is_reported),
        cmocka_unit_test(bus_is_reported),
        cmocka_unit_test(stack_overflow_is_told_as_such),
        cmocka_unit_test(signal_that_was_sent_is_told_as_such),
        cmocka_unit_test(fault_of_a_plain_thread_is_left_alone),
        cmocka_unit_test(handler_set_before_stays),
        cmocka_unit_test(handler_set_later_replaces_ours),
        cmocka_unit_test(fault_becomes_a_panic_on_request),
        cmocka_unit_test(fault_of_a_scopes_child_becomes_its_error),
        cmocka_unit_test(unrecovered_one_shows_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
