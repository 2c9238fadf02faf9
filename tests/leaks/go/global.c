/* Go's leak-profile tests, "global": somebody may still send on a channel that a global variable holds. Not leaked. */
#include "kernel.h"

oak_chan(int) requests; /* others may use it: a static one that nobody reads would be compiled away */

OAK_TASK(server, oak_chan(int), ch)
{
    oak_range (ch, v)
        (void)v;
}

KERNEL
{
    requests = oak_make(int, 0);
    go(server, requests);
}

NOTHING_LEAKS;
LIVE(server);
