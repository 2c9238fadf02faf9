/* Go's leak-profile tests, "blocked select": of two channels nobody else has either. */
#include "kernel.h"

OAK_TASK(selector, oak_chan(int), in, oak_chan(long), out)
{
    int v;
    must(oak_select(oak_on_recv(in, &v), oak_on_send(out, 3)) >= 0);
}

KERNEL
{
    go(selector, oak_make(int, 0), oak_make(long, 0));
}

LEAKS(selector);
