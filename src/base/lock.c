#include "base/lock.h"
#include "base/os.h"

enum { SPINS = 60 };

bool oak__asymmetric;
_Atomic uint32_t oak__lock_sleepers[OAK__LOCK_SLEEPERS];

/* Before main, hence before there is a second thread that could see the two kinds of fences mixed. */
__attribute__((constructor)) static void choose_fences(void)
{
    oak__asymmetric = oak__os_membarrier_init() == 0;
}

void oak__heavy_fence(void)
{
    if (likely(oak__asymmetric))
        oak__os_membarrier();
    else
        fence_seq();
}

void oak__lock_slow(oak__lock *l)
{
    for (int i = 0; i < SPINS; i++) {
        cpu_relax();
        if (load_relaxed(&l->word) == 0 && try_lock(l))
            return;
    }
    fetch_add_seq(lock_sleepers(l), 1);
    while (!try_lock(l)) {
        oak__heavy_fence();
        oak__os_futex_wait(&l->word, 1, OAK_FOREVER);
    }
    fetch_sub_seq(lock_sleepers(l), 1);
}

/* l may be gone already: only its address is used. */
void oak__unlock_slow(oak__lock *l)
{
    oak__os_futex_wake(&l->word, 1);
}
