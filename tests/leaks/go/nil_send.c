/* Go's leak-profile tests, "nil send": nobody can ever receive from a channel that was never made. */
#include "kernel.h"

OAK_TASK(sender, oak_chan(int), nil)
{
    must(oak_send(nil, 1) == 0);
}

KERNEL
{
    go(sender, NULL);
}

LEAKS(sender);
