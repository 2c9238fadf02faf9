#include "base/lock.h"
#include "base/os.h"

enum { SPINS = 60 };

void oak__lock_slow(oak__lock *l)
{
    for (int i = 0; i < SPINS; i++) {
        cpu_relax();
        if (load_relaxed(&l->word) == 0 && try_lock(l))
            return;
    }
    while (swap_acquire(&l->word, 2) != 0)
        oak__os_futex_wait(&l->word, 2, OAK_FOREVER);
}

void oak__unlock_slow(oak__lock *l)
{
    oak__os_futex_wake(&l->word, 1);
}
