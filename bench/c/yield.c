/* Four goroutines a proc, so that each yield has another to switch to. */
#include "bench.h"

OAK_TASK(yielder, oak_waitgroup *, wg, long, count)
{
    for (long i = 0; i < count; i++)
        oak_yield();
    oak_waitgroup_done(wg);
}

static void work(long count)
{
    oak_waitgroup wg = {0};
    int yielders = 4 * oak_procs();

    oak_waitgroup_add(&wg, yielders);
    for (int i = 0; i < yielders; i++)
        MUST(oak_go_detached(yielder, &wg, count / yielders));
    MUST(oak_waitgroup_wait(&wg));
}

void job_yield(long count)
{
    timed("yield", work, count);
}
