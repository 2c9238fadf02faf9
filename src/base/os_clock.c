/* Clocks, sleep and a seed. */
#include "base/os.h"

#include <sys/random.h>
#include <time.h>

int64_t oak__os_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * OAK_SECOND + ts.tv_nsec;
}

void oak__os_sleep(int64_t ns)
{
    if (ns <= 0)
        return;
    struct timespec left = {.tv_sec = ns / OAK_SECOND, .tv_nsec = ns % OAK_SECOND};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        ;
}

uint64_t oak__os_random(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed)
        return seed;
    /* Early in a boot the kernel may have no randomness yet; schedules need only differ, not be secret. */
    return (uint64_t)oak__os_now() * 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)&seed;
}
