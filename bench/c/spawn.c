/* Goroutines that end at once, started in batches under a wait group. */
#include "bench.h"

enum { BATCH = 100 };

OAK_TASK(ender, oak_waitgroup *, wg)
{
    oak_waitgroup_done(wg);
}

static void work(long count)
{
    oak_waitgroup wg = {0};

    for (long i = 0; i < count / BATCH; i++) {
        oak_waitgroup_add(&wg, BATCH);
        for (int j = 0; j < BATCH; j++)
            MUST(oak_go_detached(ender, &wg));
        MUST(oak_waitgroup_wait(&wg));
    }
}

void job_spawn(long count)
{
    timed("spawn", work, count);
}
