/*
 * Bytes that each of count goroutines costs while all are parked in a receive: pages and page tables. And the
 * same in compact mode, when their stacks have been put away.
 */
#include "bench.h"

#include <stdatomic.h>

struct gate {
    oak_chan(int) closed;
    oak_waitgroup wg;
    atomic_long started;
};

OAK_TASK(waiter, struct gate *, g)
{
    int none;

    atomic_fetch_add(&g->started, 1);
    if (oak_recv(g->closed, &none) != -EPIPE)
        must(-EPROTO, "parked: woken by no close");
    oak_waitgroup_done(&g->wg);
}

/* Until nothing has become less for a second. */
static void wait_until_put_away(void)
{
    enum { LOOKS = 10 };
    double least = held();

    for (int same = 0; same < LOOKS; same++) {
        MUST(oak_sleep(100 * OAK_MILLISECOND));
        if (held() < least * 0.999) {
            least = held();
            same = 0;
        }
    }
}

static void park(const char *name, long count, bool compact)
{
    struct gate g = {.closed = oak_make(int, 0)};
    double before = held();

    oak_waitgroup_add(&g.wg, (int)count);
    for (long i = 0; i < count; i++)
        MUST(oak_go_detached(waiter, &g));
    while (atomic_load(&g.started) < count)
        MUST(oak_sleep(OAK_MILLISECOND));
    MUST(oak_sleep(200 * OAK_MILLISECOND));
    if (compact)
        wait_until_put_away();
    report(name, (held() - before) / (double)count);
    oak_chan_close(g.closed);
    MUST(oak_waitgroup_wait(&g.wg));
    oak_chan_free(g.closed);
}

void job_parked(long count)
{
    park("parked", count, false);
}

void job_parked_compact(long count)
{
    MUST(oak_compact(100 * OAK_MILLISECOND));
    park("parked_compact", count, true);
}
