/* The report of a dying process: from a clone with all that libdw knows; plainer where there is none. */
#include "../support/goroutine.h"

#include "base/os.h"
#include "inspect/report.h"
#include "shape.h"

#include <signal.h>
#include <sys/wait.h>

static oak_chan(int) abandoned;
static int report_to;
static enum { WELL, NO_CLONE, CLONE_WITHOUT_MEMORY } how;

OAK_TASK(producer, int, value)
{
    (void)!oak_send(abandoned, value);
}

static __attribute__((noinline)) void crash(void)
{
    switch (how) {
    case WELL:
        break;
    case NO_CLONE:
        oak__fault_set(OAK__FAULT_FORK, 0, 1, EAGAIN);
        break;
    case CLONE_WITHOUT_MEMORY:
        oak__fault_set(OAK__FAULT_MALLOC, 0, 1000, ENOMEM);
        break;
    }
    oak__report_crash(report_to, NULL);
    KEEP_FRAME();
}

static bool count_parked(const struct oak_goroutine_info *g, void *arg)
{
    *(int *)arg += g->state == OAK_STATE_WAITING && g->nframes > 0;
    return true;
}

static int parked(void)
{
    int n = 0;
    expect(oak_goroutines(count_parked, &n) > 0);
    return n;
}

static int app(int argc, char **argv)
{
    (void)argc, (void)argv;
    abandoned = oak_make(int, 0);
    for (int i = 0; i < 3; i++)
        expect(oak_go_detached(producer, i) == 0);
    wait_until(parked() == 3);
    crash();
    _exit(7);
}

/* What a process that runs body writes to report_to; it must end with status 7. */
static char *output_of(void (*body)(void))
{
    int fds[2];
    static char text[65536];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        report_to = fds[1];
        body();
        _exit(99);
    }
    close(fds[1]);
    size_t n = 0;
    for (ssize_t got; (got = read(fds[0], text + n, sizeof text - 1 - n)) > 0;)
        n += (size_t)got;
    close(fds[0]);
    text[n] = 0;
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    return text;
}

static void in_goroutine(void)
{
    (void)!oak_run(app, 0, NULL);
    KEEP_FRAME();
}

/* Ages are not of interest here. */
static char *without_ages(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        *to++ = *from++;
        if (to - text >= 4 && (strncmp(to - 4, "for ", 4) == 0 || strncmp(to - 4, "est ", 4) == 0)) {
            from += strcspn(from, " ") + 1;
            from += strcspn(from, " \n,");
            *to++ = 'T';
        }
    }
    *to = 0;
    return text;
}

static void a_clone_reports_with_groups(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN || getenv("OAK_TEST_EMULATED"))
        skip();
    how = WELL;
    assert_string_equal(without_ages(shape(output_of(in_goroutine))),
                        "goroutine 1 \"main\" running\n"
                        "    at crash @\n"
                        "      from app @\n"
                        "    created by in_goroutine @\n"
                        "\n"
                        "3 goroutines waiting (chan send), oldest T\n"
                        "    blocked in oak_send at producer @\n"
                        "    created by app @\n"
                        "    goroutines 2, 3, 4\n");
}

/* One by one, from the symbol table: no grouping, since that takes memory. */
static void expect_plain(void)
{
    char *text = without_ages(shape(output_of(in_goroutine)));
    static const char own[] = "goroutine 1 \"main\" running\n"
                              "    at crash @\n"
                              "      from app @\n"
                              "    created by in_goroutine @\n"
                              "\n";
    assert_int_equal(strncmp(text, own, sizeof own - 1), 0);
    int entries = 0;
    for (char *at = text; (at = strstr(at, "waiting (chan send) for T on 0x\n"
                                           "    blocked in oak_send at producer @\n"
                                           "    created by app @\n"));
         at++)
        entries++;
    assert_int_equal(entries, 3);
}

static void without_a_clone_it_is_plain(void **state)
{
    (void)state;
    how = NO_CLONE;
    expect_plain();
}

static void a_clone_that_fails_leaves_nothing_but_the_plain_one(void **state)
{
    (void)state;
    how = CLONE_WITHOUT_MEMORY;
    expect_plain();
}

/* ---- from a signal handler ---- */

static void on_fault(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    struct oak__sigframe at;
    oak__sigframe_read(context, &at);
    oak__report_crash(report_to, &at);
    _exit(7);
}

static int *volatile nowhere = (int *)64;

static __attribute__((noinline)) void fault(void)
{
    *nowhere = 1;
}

static __attribute__((noinline)) void caller_of_fault(void)
{
    fault();
    KEEP_FRAME();
}

static void catch_faults(void)
{
    static char stack[16384];
    stack_t alt = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaltstack(&alt, NULL);
    sigaction(SIGSEGV, &sa, NULL);
}

static int faulting_app(int argc, char **argv)
{
    (void)argc, (void)argv;
    catch_faults();
    caller_of_fault();
    KEEP_FRAME();
    return 0;
}

static void fault_in_goroutine(void)
{
    (void)!oak_run(faulting_app, 0, NULL);
    KEEP_FRAME();
}

static void fault_on_thread(void)
{
    catch_faults();
    caller_of_fault();
    KEEP_FRAME();
}

/* Faults within a function of the C library, which has no frame of its own. */
static __attribute__((noinline)) void reads_through_libc(void)
{
    static size_t (*volatile length)(const char *) = strlen;
    report_to += (int)length((const char *)nowhere);
    KEEP_FRAME();
}

static void fault_in_libc(void)
{
    catch_faults();
    reads_through_libc();
    KEEP_FRAME();
}

static void expect_start(const char *text, const char *start)
{
    if (strncmp(text, start, strlen(start)) != 0)
        assert_string_equal(text, start);
}

static void a_fault_is_reported_where_it_happened(void **state)
{
    (void)state;
    how = WELL;
    expect_start(shape(output_of(fault_in_goroutine)), "goroutine 1 \"main\" running\n"
                                                       "    at fault @\n"
                                                       "      from caller_of_fault @\n"
                                                       "      from faulting_app @\n");
}

static void a_fault_on_a_plain_thread_too(void **state)
{
    (void)state;
    how = WELL;
    char *text = shape(output_of(fault_on_thread));
    assert_int_equal(strncmp(text, "thread ", 7), 0);
    char *line = strchr(text, '\n');
    assert_non_null(line);
    assert_true(strstr(text, ", not a goroutine\n") + strlen(", not a goroutine") == line);
    expect_start(line + 1, "    at fault @\n"
                           "      from caller_of_fault @\n"
                           "      from fault_on_thread @\n");
}

static void the_caller_of_a_function_without_a_frame_is_not_left_out(void **state)
{
    (void)state;
    /* Their strlen is another. */
    if (OAK_ASAN || OAK_TSAN)
        skip();
    char *text = shape(output_of(fault_in_libc));
    char *caller = strstr(text, "      from reads_through_libc @\n"
                                "      from fault_in_libc @\n");
    if (!caller)
        assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clone_reports_with_groups),
        cmocka_unit_test(without_a_clone_it_is_plain),
        cmocka_unit_test(a_clone_that_fails_leaves_nothing_but_the_plain_one),
        cmocka_unit_test(a_fault_is_reported_where_it_happened),
        cmocka_unit_test(a_fault_on_a_plain_thread_too),
        cmocka_unit_test(the_caller_of_a_function_without_a_frame_is_not_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
