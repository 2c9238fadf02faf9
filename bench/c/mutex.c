/* Eight goroutines take one lock in turn to count. */
#include "bench.h"

enum { CONTENDERS = 8 };

struct shared {
    oak_mutex lock;
    oak_waitgroup wg;
    long total;
};

OAK_TASK(contender, struct shared *, s, long, count)
{
    for (long i = 0; i < count; i++) {
        MUST(oak_mutex_lock(&s->lock));
        s->total++;
        oak_mutex_unlock(&s->lock);
    }
    oak_waitgroup_done(&s->wg);
}

static void work(long count)
{
    struct shared s = {.total = 0};

    oak_waitgroup_add(&s.wg, CONTENDERS);
    for (int i = 0; i < CONTENDERS; i++)
        MUST(oak_go_detached(contender, &s, count / CONTENDERS));
    MUST(oak_waitgroup_wait(&s.wg));
    if (s.total != count / CONTENDERS * CONTENDERS)
        must(-EPROTO, "mutex: lost counts");
}

void job_mutex(long count)
{
    timed("mutex", work, count);
}
