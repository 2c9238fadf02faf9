/* Go's leak-profile tests, "mutex on the heap": a tiny block that holds nothing but a mutex, locked twice. (Go's own profile
 * misses this one now and then: its tiny allocator shares the block with others.) */
#include "kernel.h"

OAK_TASK(locker, oak_mutex *, m)
{
    must(oak_mutex_lock(m) == 0);
    must(oak_mutex_lock(m) == 0);
}

KERNEL
{
    go(locker, calloc(1, sizeof(oak_mutex)));
}

LEAKS(locker);
