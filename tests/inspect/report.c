/* oak_report over real goroutines, word by word. Only public names: for the shared library, too. */
#include "../support/goroutine.h"

#include "shape.h"

static oak_chan(int) abandoned, silent;

OAK_TASK(producer, oak_chan(int), ch, int, value)
{
    (void)!oak_send(ch, value);
}

static __attribute__((noinline)) int wait_for_answer(oak_chan(int) ch)
{
    int v = 0;
    int err = oak_recv(ch, &v);
    return v + err;
}

static void asker(void *arg)
{
    (void)arg;
    oak_set_name("asker");
    (void)!wait_for_answer(silent);
    KEEP_FRAME();
}

static void chooser(void *arg)
{
    int v;
    (void)arg;
    (void)!oak_select(oak_on_recv(silent, &v), oak_on_timeout(OAK_HOUR));
}

static __attribute__((noinline)) void start_producers(int n)
{
    for (int i = 0; i < n; i++)
        expect(oak_go_detached(producer, abandoned, i) == 0);
}

static struct oak_stats now(void)
{
    struct oak_stats s;
    expect(oak_stats_read(&s) == 0);
    return s;
}

static uint64_t live(void)
{
    struct oak_stats s = now();
    return s.created - s.ended;
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

static void start(void)
{
    abandoned = oak_make(int, 0);
    silent = oak_make(int, 0);
    start_producers(12);
    expect(oak_spawn(asker, NULL) == 0);
    expect(oak_spawn(chooser, NULL) == 0);
    /* The main goroutine of the test before may be on its way out still. */
    wait_until(parked() == 14 && live() == 15);
}

static void end(void)
{
    oak_chan_close(abandoned);
    oak_chan_close(silent);
    wait_until(live() == 1);
    expect(oak_chan_free(abandoned) == 0 && oak_chan_free(silent) == 0);
}

/* Numbers that differ from run to run become N, ages T. */
static char *without_numbers(char *text)
{
    static const char *const units[] = {" ms", " s", " min", " h"};
    char *to = text;
    for (const char *from = text; *from;) {
        if (!isdigit((unsigned char)*from) || (to > text && isalpha((unsigned char)to[-1]))) {
            *to++ = *from++;
            continue;
        }
        from += strspn(from, "0123456789.");
        *to = 'N';
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
            size_t n = strlen(units[i]);
            if (strncmp(from, units[i], n) == 0 && !isalpha((unsigned char)from[n])) {
                from += n;
                *to = 'T';
            }
        }
        to++;
    }
    *to = 0;
    return text;
}

static char *report(unsigned flags)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    expect(oak_report(f, flags) == 0);
    fclose(f);
    return shape(text);
}

static void expect_text(char *text, const char *expected)
{
    if (strcmp(text, expected) != 0) {
        fprintf(stderr, "---- got\n%s\n---- expected\n%s\n", text, expected);
        expect(!"the report has the expected shape");
    }
    free(text);
}

TEST(grouped_report)
{
    start();
    expect_text(without_numbers(report(0)), "N goroutines: N created, N ended; N Ps, N threads\n"
                                            "\n"
                                            "N goroutines waiting (chan send), oldest T\n"
                                            "    blocked in oak_send at producer @\n"
                                            "    created by start_producers @\n"
                                            "    goroutines N, N, N, N, N, N, N, N and N more\n"
                                            "\n"
                                            "N goroutine \"main\" running\n"
                                            "    runs grouped_report_app @\n"
                                            "    created by grouped_report @\n"
                                            "    goroutine N\n"
                                            "\n"
                                            "N goroutine \"asker\" waiting (chan receive) for T\n"
                                            "    blocked in oak_recv at wait_for_answer @\n"
                                            "      from asker @\n"
                                            "    created by start @\n"
                                            "    goroutine N\n"
                                            "\n"
                                            "N goroutine waiting (select) for T\n"
                                            "    blocked in oak_select at chooser @\n"
                                            "    created by start @\n"
                                            "    goroutine N\n");
    end();
}

TEST(counts_are_right)
{
    start();
    char *text = report(0);
    expect(strncmp(text, "15 goroutines: ", 15) == 0);
    expect(strstr(text, "\n12 goroutines waiting (chan send)") != NULL);
    expect(strstr(text, " and 4 more\n") != NULL);
    free(text);
    end();
}

/* The entry that holds `part`, without numbers. */
static char *entry_with(const char *text, const char *part)
{
    const char *at = strstr(text, part);
    expect(at != NULL);
    while (at > text && strncmp(at, "\n\n", 2) != 0)
        at--;
    at += 2;
    const char *end = strstr(at, "\n\n");
    size_t n = end ? (size_t)(end - at) : strlen(at);
    while (n > 0 && at[n - 1] == '\n')
        n--;
    return without_numbers(strndup(at, n));
}

TEST(full_report)
{
    start();
    char *text = report(OAK_REPORT_FULL);
    int entries = 0;
    for (char *at = text; (at = strstr(at, "\n\ngoroutine ")); at++)
        entries++;
    expect(entries == 15);
    expect_text(entry_with(text, "(select)"), "goroutine N waiting (select) for T, with a deadline\n"
                                              "    blocked in oak_select at chooser @\n"
                                              "    created by goroutine N in start @");
    expect_text(entry_with(text, "\"asker\""), "goroutine N \"asker\" waiting (chan receive) for T on Nx\n"
                                               "    blocked in oak_recv at wait_for_answer @\n"
                                               "      from asker @\n"
                                               "    created by goroutine N in start @");
    free(text);
    end();
}

/* A stream may be anything: here one whose every write gives way to other goroutines. */
static ssize_t yielding_write(void *cookie, const char *text, size_t n)
{
    (void)text;
    oak_sleep(OAK_MICROSECOND);
    *(size_t *)cookie += n;
    return (ssize_t)n;
}

TEST(the_stream_may_block_the_goroutine)
{
    size_t written = 0;
    start();
    FILE *f = fopencookie(&written, "w", (cookie_io_functions_t){.write = yielding_write});
    expect(f && oak_report(f, OAK_REPORT_FULL) == 0);
    expect(fclose(f) == 0);
    expect(written > 1000);
    end();
}

static void *report_from_thread(void *arg)
{
    FILE *f = arg;
    return (void *)(intptr_t)oak_report(f, 0);
}

static void bad_arguments_and_full_disks_are_errors(void **state)
{
    (void)state;
    assert_int_equal(oak_report(NULL, 0), -EINVAL);
    assert_int_equal(oak_report(stderr, 2), -EINVAL);
    FILE *f = fopen("/dev/full", "w");
    assert_non_null(f);
    setvbuf(f, NULL, _IONBF, 0);
    assert_int_equal((int)(intptr_t)report_from_thread(f), -ENOSPC);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_arguments_and_full_disks_are_errors),
        cmocka_unit_test(grouped_report),
        cmocka_unit_test(counts_are_right),
        cmocka_unit_test(full_report),
        cmocka_unit_test(the_stream_may_block_the_goroutine),
    };
    setenv("OAK_PROCS", "2", 1); /* what the report begins with has a plural */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
