/*
 * One million goroutines, each parked with a stack of its own, under default settings. Prints what they take. Where the
 * machine has too little memory, under a sanitizer, or without light guards, fewer.
 */
#include "../support/part.h"

#include "base/os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { BYTES_EACH = 5000 };

static oak_chan(char) gate;
static oak_waitgroup parked, gone;

static void park(void *unused)
{
    char c;
    (void)unused;
    oak_waitgroup_done(&parked);
    require(oak_recv(gate, &c) == -EPIPE);
    oak_waitgroup_done(&gone);
}

/* Kilobytes of a line of /proc/self/status or /proc/meminfo. */
static long kilobytes(const char *file, const char *name)
{
    char line[256];
    long n = 0;
    FILE *f = fopen(file, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0)
            n = atol(line + strlen(name) + 1);
    if (f)
        fclose(f);
    return n;
}

static long memory_now(void)
{
    return kilobytes("/proc/self/status", "VmRSS") + kilobytes("/proc/self/status", "VmPTE");
}

static int how_many(void)
{
    if (UNDER_ASAN || UNDER_TSAN)
        return 5000; /* ThreadSanitizer knows at most 8128 threads and fibers */
    if (!oak__os_guard_light_works())
        return 10000; /* before Linux 6.13, and under qemu-user: each stack costs two mappings, of which there may be 65,530 */
    long available = kilobytes("/proc/meminfo", "MemAvailable");
    int n = 1000000;
    while (n > 1000 && available / 2 < (long)n * BYTES_EACH / 1024)
        n /= 2;
    return n;
}

static int park_them(int argc, char **argv)
{
    (void)argv;
    int n = argc;
    gate = oak_make(char, 0);
    require(gate);
    long before = memory_now();
    oak_waitgroup_add(&parked, n);
    oak_waitgroup_add(&gone, n);
    for (int i = 0; i < n; i++)
        require(oak_spawn(park, NULL) == 0);
    require(oak_waitgroup_wait(&parked) == 0);
    long after = memory_now();
    printf("%d goroutines parked: %ld MiB, %ld bytes each (resident and page tables)\n", n,
           (after - before) / 1024, (after - before) * 1024 / n);
    struct oak_stats stats;
    require(oak_stats_read(&stats) == 0);
    require(stats.created - stats.ended >= (uint64_t)n);
    require(oak_chan_close(gate) == 0);
    require(oak_waitgroup_wait(&gone) == 0);
    return 0;
}

static int in_a_runtime(void *n)
{
    return oak_run(park_them, *(int *)n, NULL);
}

static void a_million_goroutines_park(void **state)
{
    (void)state;
    int n = how_many();
    assert_true(child_succeeds(in_a_runtime, &n, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_goroutines_park),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
