/*
 * Cost of a timer against the number of those that are armed (the count); one proc. grow_timers: one more is armed and
 * cancelled while the others wait for some hour of the coming day. grow_fire: all are armed, in no order, and fire
 * within a second; processor time, of arming and firing, a timer. The timers are those of contexts.
 */
#include "bench.h"

#include <stdlib.h>
#include <time.h>

enum { PAIRS = 1000000, AT_LEAST = 100000 };

static oak_ctx **all;

static int64_t scattered(long i, int64_t range)
{
    return (int64_t)((uint64_t)i * 0x9e3779b97f4a7c15u >> 16) % range;
}

static void arm(long count, int64_t start, int64_t range)
{
    all = calloc((size_t)count, sizeof(oak_ctx *));
    if (!all)
        must(-ENOMEM, "contexts");
    for (long i = 0; i < count; i++) {
        all[i] = oak_ctx_with_deadline(NULL, start + scattered(i, range));
        if (!all[i])
            must(-ENOMEM, "oak_ctx_with_deadline");
    }
}

static void drop(long count)
{
    for (long i = 0; i < count; i++)
        oak_ctx_unref(all[i]);
    free(all);
}

static void pairs(long count)
{
    for (long i = 0; i < count; i++) {
        oak_ctx *one = oak_ctx_with_timeout(NULL, OAK_MINUTE + scattered(i, OAK_HOUR));
        if (!one)
            must(-ENOMEM, "oak_ctx_with_timeout");
        oak_ctx_unref(one);
    }
}

void job_grow_timers(long count)
{
    arm(count, oak_now() + OAK_HOUR, 24 * OAK_HOUR);
    timed("grow_timers", pairs, PAIRS);
    drop(count);
}

static double processor_time(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Few timers are armed and fired several times over, in as long together. */
void job_grow_fire(long count)
{
    int rounds = count < AT_LEAST ? 3 : 1;
    double used = 0;

    for (int i = 0; i < rounds; i++) {
        double before = processor_time();
        int64_t range = OAK_SECOND / rounds;
        int64_t start = oak_now() + count * OAK_MICROSECOND;
        arm(count, start, range);
        MUST(oak_sleep(start + range + 20 * OAK_MILLISECOND - oak_now()));
        for (long j = 0; j < count; j++)
            while (oak_ctx_err(all[j]) != -ETIMEDOUT)
                MUST(oak_sleep(OAK_MILLISECOND));
        used += processor_time() - before;
        drop(count);
    }
    report("grow_fire", used / (double)count / rounds);
}
