/* Go's leak-profile tests, "early return": the caller returns at an error and never asks for the other's result. */
#include "kernel.h"

OAK_TASK(child, oak_chan(int), result)
{
    must(oak_send(result, 42) == 0);
}

static int parent(bool fails)
{
    oak_chan(int) result = oak_make(int, 0);
    int v;
    go(child, result);
    if (fails)
        return -1;
    must(oak_recv(result, &v) == 0);
    return v;
}

KERNEL
{
    must(parent(true) == -1);
    must(parent(false) == 42);
}

LEAKS(child);
