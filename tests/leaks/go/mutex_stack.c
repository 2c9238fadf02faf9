/* Go's leak-profile tests, "mutex on the stack": locked twice by the goroutine on whose stack it lies. */
#include "kernel.h"

OAK_TASK(locker, int, unused)
{
    oak_mutex m = {0};
    (void)unused;
    must(oak_mutex_lock(&m) == 0);
    must(oak_mutex_lock(&m) == 0);
}

KERNEL
{
    go(locker, 0);
}

LEAKS(locker);
