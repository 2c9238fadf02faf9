/* How many processors this process may use: its affinity mask, cut down by its cgroups' quotas. */
#include "base/os.h"

#include <limits.h>
#include <sched.h>

/* The kernel refuses masks smaller than its own; 2^16 processors are more than any Linux can have. */
enum { FIRST_SIZE = 1024, LAST_SIZE = 1 << 16 };

static int affinity(void)
{
    for (int size = FIRST_SIZE; size <= LAST_SIZE; size *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)size);
        if (!set)
            return 1;
        size_t bytes = CPU_ALLOC_SIZE((size_t)size);
        int n = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (n > 0)
            return n;
        if (errno != EINVAL)
            return 1;
    }
    return 1;
}

int oak__os_cpus(void)
{
    int cpus = affinity();
    int quota = oak__os_cgroup_cpus("");
    return quota > 0 && quota < cpus ? quota : cpus;
}
