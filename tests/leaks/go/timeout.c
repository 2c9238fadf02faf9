/* Go's leak-profile tests, "timeout": the caller gives up before the answer comes, which can then never be delivered. */
#include "kernel.h"

OAK_TASK(work, oak_chan(int), result, oak_chan(int), begin)
{
    int v;
    must(oak_recv(begin, &v) == -EPIPE);
    must(oak_send(result, 1) == 0);
}

KERNEL
{
    oak_chan(int) result = oak_make(int, 0), begin = oak_make(int, 0);
    int v;
    go(work, result, begin);
    must(oak_select(oak_on_recv(result, &v), oak_on_timeout(OAK_MILLISECOND)) == 1);
    oak_chan_close(begin);
}

LEAKS(work);
