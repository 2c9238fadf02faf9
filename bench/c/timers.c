/* All goroutines (the count) sleep 10 ms at once; nanoseconds of the whole, a sleeper. */
#include "bench.h"

OAK_TASK(sleeper, oak_waitgroup *, wg)
{
    MUST(oak_sleep(10 * OAK_MILLISECOND));
    oak_waitgroup_done(wg);
}

static void work(long count)
{
    oak_waitgroup wg = {0};

    oak_waitgroup_add(&wg, (int)count);
    for (long i = 0; i < count; i++)
        MUST(oak_go_detached(sleeper, &wg));
    MUST(oak_waitgroup_wait(&wg));
}

void job_timers(long count)
{
    report("timers", mean(5, work, count) / (double)count);
}
