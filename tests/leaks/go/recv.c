/* Go's leak-profile tests, "blocked receive": who made the channel has gone, the receiver alone still has it. */
#include "kernel.h"

OAK_TASK(receiver, oak_chan(int), ch)
{
    int v;
    must(oak_recv(ch, &v) == 0);
}

KERNEL
{
    go(receiver, oak_make(int, 0));
}

LEAKS(receiver);
