/* Go's leak-profile tests, "blocked send": the channel is full and nobody who could make room has it. */
#include "kernel.h"

OAK_TASK(sender, oak_chan(int), ch)
{
    must(oak_send(ch, 1) == 0);
    must(oak_send(ch, 2) == 0);
}

KERNEL
{
    go(sender, oak_make(int, 1));
}

LEAKS(sender);
