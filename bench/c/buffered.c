/* One goroutine sends, one receives, over a channel that holds 128 values. */
#include "bench.h"

OAK_TASK(sender, oak_chan(int), values, long, count)
{
    for (long i = 0; i < count; i++)
        MUST(oak_send(values, (int)i));
    oak_chan_close(values);
}

static void work(long count)
{
    oak_chan(int) values = oak_make(int, 128);
    long received = 0;

    MUST(oak_go_detached(sender, values, count));
    oak_range (values, value)
        received++;
    if (received != count)
        must(-EPROTO, "buffered: lost values");
    oak_chan_free(values);
}

void job_buffered(long count)
{
    timed("buffered", work, count);
}
