/* The profile of the leaked ones. What it is to readers is tried by tests/cli/leaks, with `go tool pprof`. */
#include "leaktest.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

typedef oak_chan(int) ints;
enum { LEAKED = 7 };

static ints kept;

static void receive_for_ever(void *arg)
{
    int v;
    if (oak_recv((ints)(uintptr_t)arg, &v))
        abort();
}

static NOINLINE void start(const char *name, ints c)
{
    go(name, receive_for_ever, (void *)(uintptr_t)c);
}

static void builder(void *unused)
{
    (void)unused;
    for (int i = 0; i < LEAKED; i++)
        start("lost", oak_make(int, 0));
    kept = oak_make(int, 0);
    start("kept", kept);
}

static void leak_some(struct scene *s)
{
    go("builder", builder, NULL);
    settle("builder", 0);
    settle("lost", LEAKED);
    settle("kept", 1);
    check_now(s);
    if (oak_send(kept, 1))
        abort();
}

static char profile[1 << 16];
static size_t size;

static void take(const oak_leak_report *r)
{
    int fd = memfd_create("profile", MFD_CLOEXEC);
    assert_int_equal(oak_leak_pprof(r, fd), 0);
    ssize_t n = pread(fd, profile, sizeof profile, 0);
    assert_true(n > 0 && (size_t)n < sizeof profile);
    size = (size_t)n;
    close(fd);
}

static bool has(const char *text)
{
    return memmem(profile, size, text, strlen(text)) != NULL;
}

/* Of one sample or of several: what is alike to a reader may have parked at different places inside the runtime. */
static int sum_of_values(void)
{
    int sum = 0;
    for (size_t i = 0; i + 2 < size; i++) /* packed: field 2, one byte, a small number */
        sum += memcmp(&profile[i], "\x12\x01", 2) == 0 && profile[i + 2] <= LEAKED ? profile[i + 2] : 0;
    return sum;
}

static void has_names_and_number(void **state)
{
    (void)state;
    struct scene *s = play(leak_some);
    take(s->report);
    assert_memory_equal(profile, "\x1f\x8b\x08", 3);
    assert_true(has("goroutineleak") && has("count"));
    if (!OAK_ASAN && !OAK_TSAN) {
        assert_true(has("receive_for_ever") && has("oak_recv") && has("chan receive"));
        assert_int_equal(has("pprof.c"), lines_are_known());
        assert_true(has("lost") && !has("kept"));
        assert_int_equal(sum_of_values(), LEAKED);
    }
    done(s);
}

static void none_is_a_profile_too(void **state)
{
    (void)state;
    struct oak_leak_report *r = oak__report_new(0);
    take(r);
    assert_true(has("goroutineleak"));
    oak_leak_report_free(r);
}

static void errors(void **state)
{
    (void)state;
    struct oak_leak_report *r = oak__report_new(0);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(oak_leak_pprof(NULL, 1), -EINVAL);
    assert_int_equal(oak_leak_pprof(r, -1), -EINVAL);
    assert_int_equal(oak_leak_pprof(r, full), -ENOSPC);
    close(full);
    oak_leak_report_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_names_and_number),
        cmocka_unit_test(none_is_a_profile_too),
        cmocka_unit_test(errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
