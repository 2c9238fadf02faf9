/* Two senders, each with an unbuffered channel of its own; one receiver selects over both. */
#include "bench.h"

OAK_TASK(sender, oak_chan(int), values, oak_waitgroup *, wg, long, count)
{
    for (long i = 0; i < count; i++)
        MUST(oak_send(values, (int)i));
    oak_waitgroup_done(wg);
}

static void work(long count)
{
    oak_chan(int) left = oak_make(int, 0);
    oak_chan(int) right = oak_make(int, 0);
    oak_waitgroup wg = {0};
    long sum = 0;
    int value;

    oak_waitgroup_add(&wg, 2);
    MUST(oak_go_detached(sender, left, &wg, count / 2));
    MUST(oak_go_detached(sender, right, &wg, count / 2));
    for (long i = 0; i < count / 2 * 2; i++) {
        int chosen = oak_select(oak_on_recv(left, &value), oak_on_recv(right, &value));
        must(chosen, "oak_select");
        sum += chosen == 0 ? value : -(long)value;
    }
    MUST(oak_waitgroup_wait(&wg));
    if (sum != 0)
        must(-EPROTO, "select2: wrong sum");
    oak_chan_free(left);
    oak_chan_free(right);
}

void job_select2(long count)
{
    timed("select2", work, count);
}
