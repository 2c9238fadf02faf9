/* Go's leak-profile tests, "read lock": wants to read what it holds for writing. */
#include "kernel.h"

OAK_TASK(reader, oak_rwmutex *, m)
{
    must(oak_rwmutex_lock(m) == 0);
    must(oak_rwmutex_rlock(m) == 0);
}

KERNEL
{
    go(reader, calloc(1, sizeof(oak_rwmutex)));
}

LEAKS(reader);
