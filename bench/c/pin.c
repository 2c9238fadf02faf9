#include "bench.h"

#include <sched.h>

/* As the process was started: threads inherit what others were bound to. */
static cpu_set_t allowed;

__attribute__((constructor)) static void look(void)
{
    if (sched_getaffinity(0, sizeof allowed, &allowed))
        must(-EINVAL, "sched_getaffinity");
}

void pin(int nth)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed) && nth-- == 0)
            CPU_SET(cpu, &one);
    if (!CPU_COUNT(&one))
        must(-ENODEV, "pinning a thread to a second processor");
    if (sched_setaffinity(0, sizeof one, &one))
        must(-EINVAL, "sched_setaffinity");
}

void unpin(void)
{
    if (sched_setaffinity(0, sizeof allowed, &allowed))
        must(-EINVAL, "sched_setaffinity");
}
