/* Go's leak-profile tests, "nil receive": nobody can ever send on a channel that was never made. */
#include "kernel.h"

OAK_TASK(receiver, oak_chan(int), nil)
{
    int v;
    must(oak_recv(nil, &v) == 0);
}

KERNEL
{
    go(receiver, NULL);
}

LEAKS(receiver);
