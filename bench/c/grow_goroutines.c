/* Cost per operation against the number of goroutines (the count); one proc. bench/growth.sh plots them. */
#include "bench.h"

/* So many operations at least, however few goroutines there are. */
enum { OPERATIONS = 2000000 };

static struct {
    oak_waitgroup wg;
    bool over;
    long yields, started;
    oak_chan(int) closed;
} crowd;

OAK_TASK(yielder)
{
    while (!crowd.over) {
        crowd.yields++;
        oak_yield();
    }
    oak_waitgroup_done(&crowd.wg);
}

/* All are runnable all the time; nanoseconds a yield. */
void job_grow_yield(long count)
{
    if (oak_procs() != 1)
        must(-EINVAL, "grow_yield counts without atomics: OAK_PROCS=1");
    oak_waitgroup_add(&crowd.wg, (int)count);
    for (long i = 0; i < count; i++)
        MUST(oak_go_detached(yielder));
    while (crowd.yields < count)
        oak_yield();
    long least = OPERATIONS > 2 * count ? OPERATIONS : 2 * count;
    long before = crowd.yields;
    int64_t start = oak_now();
    while (crowd.yields - before < least)
        oak_yield();
    report("grow_yield", (double)(oak_now() - start) / (double)(crowd.yields - before));
    crowd.over = true;
    MUST(oak_waitgroup_wait(&crowd.wg));
}

OAK_TASK(waiter)
{
    int none;

    crowd.started++;
    if (oak_recv(crowd.closed, &none) != -EPIPE)
        must(-EPROTO, "grow_park: woken by no close");
    oak_waitgroup_done(&crowd.wg);
}

static void life(long count)
{
    crowd.started = 0;
    crowd.closed = oak_make(int, 0);
    oak_waitgroup_add(&crowd.wg, (int)count);
    for (long i = 0; i < count; i++)
        MUST(oak_go_detached(waiter));
    while (crowd.started < count)
        oak_yield();
    oak_chan_close(crowd.closed);
    MUST(oak_waitgroup_wait(&crowd.wg));
    oak_chan_free(crowd.closed);
}

/* Start, park in a receive, be woken by a close, end; nanoseconds for all of it, a goroutine. */
void job_grow_park(long count)
{
    if (oak_procs() != 1)
        must(-EINVAL, "grow_park counts without atomics: OAK_PROCS=1");
    int times = count < OPERATIONS / 10 ? (int)(OPERATIONS / 10 / count) : 1;
    report("grow_park", mean(times, life, count) / (double)count);
}
