/* Go's leak-profile tests, "double send": after an error has been sent the function goes on and sends a result as well. */
#include "kernel.h"

OAK_TASK(compute, oak_chan(int), result, bool, fails)
{
    if (fails)
        must(oak_send(result, -1) == 0); /* a return is missing */
    must(oak_send(result, 1) == 0);
}

KERNEL
{
    oak_chan(int) result = oak_make(int, 0);
    int v;
    go(compute, result, true);
    must(oak_recv(result, &v) == 0 && v == -1);
}

LEAKS(compute);
