/* GoKer kubernetes 5316: a request's result is sent on a channel without room; the handler has given up by then. */
#include "kernel.h"

OAK_TASK(request, oak_chan(int), result, oak_chan(int), begin)
{
    int v;
    must(oak_recv(begin, &v) == -EPIPE);
    must(oak_send(result, 200) == 0);
}

static int finish_request(int64_t limit, oak_chan(int) begin)
{
    oak_chan(int) result = oak_make(int, 0), error = oak_make(int, 0);
    int v;
    go(request, result, begin);
    int chosen = oak_select(oak_on_recv(result, &v), oak_on_recv(error, &v), oak_on_timeout(limit));
    return chosen == 2 ? 504 : v;
}

KERNEL
{
    oak_chan(int) begin = oak_make(int, 0);
    must(finish_request(OAK_MILLISECOND, begin) == 504);
    oak_chan_close(begin);
}

LEAKS(request);
