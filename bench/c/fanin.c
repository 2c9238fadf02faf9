/* A hundred senders, one receiver, one unbuffered channel. */
#include "bench.h"

enum { SENDERS = 100 };

OAK_TASK(sender, oak_chan(int), values, oak_waitgroup *, wg, long, count)
{
    for (long i = 0; i < count; i++)
        MUST(oak_send(values, (int)i));
    oak_waitgroup_done(wg);
}

static void work(long count)
{
    oak_chan(int) values = oak_make(int, 0);
    oak_waitgroup wg = {0};
    long each = count / SENDERS;
    int value;

    oak_waitgroup_add(&wg, SENDERS);
    for (int i = 0; i < SENDERS; i++)
        MUST(oak_go_detached(sender, values, &wg, each));
    for (long i = 0; i < each * SENDERS; i++)
        MUST(oak_recv(values, &value));
    /* The last senders still return from their sends: the channel is theirs until then. */
    MUST(oak_waitgroup_wait(&wg));
    oak_chan_free(values);
}

void job_fanin(long count)
{
    timed("fanin", work, count);
}
