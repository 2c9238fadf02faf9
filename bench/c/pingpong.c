/* Two goroutines hand a value to and fro over two unbuffered channels; an operation is one message. */
#include "bench.h"

OAK_TASK(partner, oak_chan(int), ping, oak_chan(int), pong)
{
    oak_range (ping, value)
        MUST(oak_send(pong, value + 1));
    oak_chan_close(pong);
}

static void work(long count)
{
    oak_chan(int) ping = oak_make(int, 0);
    oak_chan(int) pong = oak_make(int, 0);
    int value = 0;

    MUST(oak_go_detached(partner, ping, pong));
    for (long i = 0; i < count / 2; i++) {
        MUST(oak_send(ping, value));
        MUST(oak_recv(pong, &value));
    }
    oak_chan_close(ping);
    if (oak_recv(pong, &value) != -EPIPE)
        must(-EPROTO, "pingpong: a value after the last");
    oak_chan_free(ping);
    oak_chan_free(pong);
}

void job_pingpong(long count)
{
    timed("pingpong", work, count);
}
