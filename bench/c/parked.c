/* Bytes that each of count goroutines costs while all are parked in a receive: pages and page tables. */
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

void job_parked(long count)
{
    struct gate g = {.closed = oak_make(int, 0)};
    double before = held();

    oak_waitgroup_add(&g.wg, (int)count);
    for (long i = 0; i < count; i++)
        MUST(oak_go_detached(waiter, &g));
    while (atomic_load(&g.started) < count)
        MUST(oak_sleep(OAK_MILLISECOND));
    MUST(oak_sleep(200 * OAK_MILLISECOND));
    report("parked", (held() - before) / (double)count);
    oak_chan_close(g.closed);
    MUST(oak_waitgroup_wait(&g.wg));
    oak_chan_free(g.closed);
}
