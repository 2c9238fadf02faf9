/* Futexes, always process-private. The time limit is absolute, so that a caller who loops need not recompute
 * it. */
#include "base/os.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int oak__os_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t until)
{
    struct timespec at;
    struct timespec *limit = NULL;
    if (until != OAK_FOREVER) {
        int64_t t = until > 0 ? until : 0;
        at = (struct timespec){.tv_sec = t / OAK_SECOND, .tv_nsec = t % OAK_SECOND};
        limit = &at;
    }
    /* FUTEX_WAIT takes a relative time; the BITSET form takes an absolute one on CLOCK_MONOTONIC. */
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected, limit, NULL,
                      FUTEX_BITSET_MATCH_ANY);
    return rc < 0 ? -errno : 0;
}

void oak__os_futex_wake(_Atomic uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}
