/* A select all of whose channels are nil: no case of it can become ready. */
#include "kernel.h"

OAK_TASK(selector, oak_chan(int), a, oak_chan(int), b)
{
    int v;
    must(oak_select(oak_on_recv(a, &v), oak_on_send(b, 1)) >= 0);
}

KERNEL
{
    go(selector, NULL, NULL);
}

LEAKS(selector);
