/* Go's leak-profile tests, "write lock": wants to write while it holds a read lock of its own. */
#include "kernel.h"

OAK_TASK(writer, oak_rwmutex *, m)
{
    must(oak_rwmutex_rlock(m) == 0);
    must(oak_rwmutex_lock(m) == 0);
}

KERNEL
{
    go(writer, calloc(1, sizeof(oak_rwmutex)));
}

LEAKS(writer);
