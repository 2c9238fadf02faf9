/*
 * Messages between two goroutines whose threads are pinned to a core each. Left alone, goroutines that talk
 * share a processor; here neither ever parks (each looks until a value is there), so that they cannot: what a
 * channel costs when both sides have to fetch it from the other core, every time. They look without touching the
 * channel's lock, which Go's select with a default does by itself. Needs two procs.
 */
#include "bench.h"

#include <stdatomic.h>

struct table {
    oak_chan(int) ping, pong;
    oak_waitgroup wg;
    atomic_int seated;
};

static void sit_down(struct table *t, int nth)
{
    pin(nth);
    atomic_fetch_add(&t->seated, 1);
    /* When both have come without giving up their threads, there are two. */
    while (atomic_load(&t->seated) < 2)
        ;
}

static void give(oak_chan(int) to, int value)
{
    int err;

    while ((err = oak_try_send(to, value)) == -EAGAIN)
        ;
    MUST(err);
}

static int take(oak_chan(int) from)
{
    int value, err;

    do
        while (oak_chan_len(from) == 0)
            ;
    while ((err = oak_try_recv(from, &value)) == -EAGAIN);
    MUST(err);
    return value;
}

OAK_TASK(server, struct table *, t, long, rounds)
{
    sit_down(t, 0);
    for (long i = 0; i < rounds; i++) {
        give(t->ping, (int)i);
        if (take(t->pong) != (int)i + 1)
            must(-EPROTO, "pingpong_apart: another value");
    }
    unpin();
    oak_waitgroup_done(&t->wg);
}

OAK_TASK(returner, struct table *, t, long, rounds)
{
    sit_down(t, 1);
    for (long i = 0; i < rounds; i++)
        give(t->pong, take(t->ping) + 1);
    unpin();
    oak_waitgroup_done(&t->wg);
}

static void work(long count)
{
    struct table t = {.ping = oak_make(int, 1), .pong = oak_make(int, 1)};

    if (oak_procs() < 2)
        must(-EINVAL, "pingpong_apart: needs two procs");
    oak_waitgroup_add(&t.wg, 2);
    MUST(oak_go_detached(server, &t, count / 2));
    MUST(oak_go_detached(returner, &t, count / 2));
    MUST(oak_waitgroup_wait(&t.wg));
    oak_chan_free(t.ping);
    oak_chan_free(t.pong);
}

void job_pingpong_apart(long count)
{
    timed("pingpong_apart", work, count);
}
