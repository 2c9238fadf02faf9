/*
 * What a leak check costs with count goroutines parked and OAKBENCH_HEAP bytes of heap (100 MB): how long the process stands
 * still, how long the analysis takes, and the memory that it takes; and what a caller in the same process notices of it, as
 * the delay of a goroutine that sleeps a millisecond at a time, without a check and with checks one after the other. Not
 * compared with anything: a job to look at, no row of jobs.txt.
 */
#include "bench.h"

#include <stdatomic.h>
#include <stdio.h>

enum { CHECKS = 5, NAPS = 2000, BUCKETS = 14 };

static struct watched {
    oak_waitgroup wg;
    atomic_bool over;
} watched;

/* How late a sleep of a millisecond ends, by powers of two of microseconds. */
static void nap(const char *name, atomic_bool *over)
{
    long late[BUCKETS] = {0};

    for (int i = 0; i < NAPS && !atomic_load(over); i++) {
        int64_t begin = oak_now();
        int bucket = 0;

        MUST(oak_sleep(OAK_MILLISECOND));
        for (int64_t us = (oak_now() - begin - OAK_MILLISECOND) / OAK_MICROSECOND; us > 1; us /= 2)
            bucket += bucket < BUCKETS - 1;
        late[bucket]++;
    }
    for (int i = 0; i < BUCKETS; i++) {
        char row[64];

        snprintf(row, sizeof row, "%s_late_%dus", name, 1 << i);
        if (late[i])
            report(row, (double)late[i]);
    }
}

OAK_TASK(napper, struct watched *, w)
{
    nap("checked", &w->over);
    oak_waitgroup_done(&w->wg);
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static void check_some(void)
{
    double pause = 0, duration = 0, memory = 0, heap = 0, proven = 0;

    for (int i = 0; i < CHECKS; i++) {
        oak_leak_report *r;

        MUST(oak_leak_check(NULL, &r));
        pause = larger(pause, (double)oak_leak_pause(r));
        duration = larger(duration, (double)oak_leak_duration(r));
        memory = larger(memory, (double)oak_leak_memory(r));
        heap = (double)oak_leak_heap(r);
        proven += (double)oak_leak_count(r, OAK_LEAKED);
        oak_leak_report_free(r);
    }
    report("pause_ms", pause / OAK_MILLISECOND);
    report("analysis_ms", duration / OAK_MILLISECOND);
    report("analysis_MiB", memory / (1 << 20));
    report("heap_MiB", heap / (1 << 20));
    report("false", proven);
}

void job_pause(long count)
{
    struct watched *w = &watched;
    atomic_bool never = false;

    crowd_gather(count);
    nap("alone", &never);
    oak_waitgroup_add(&w->wg, 1);
    MUST(oak_go_detached(napper, w));
    check_some();
    atomic_store(&w->over, true);
    MUST(oak_waitgroup_wait(&w->wg));
    crowd_disperse();
}
