#include "sched/inside.h"

#include <sched.h>

enum { SPINS = 200, DYING_ROUNDS = 2000 };

_Atomic uint32_t oak__lookers;

/* Waits until the section that p is in, if any, is over; no longer than so many rounds. */
static void wait_for_end(struct oak__p *p, uint64_t rounds)
{
    const uint32_t seen = load_acquire(&p->inside);
    if (seen % 2 == 0)
        return;
    for (uint64_t i = 0; i < rounds && load_acquire(&p->inside) == seen; i++) {
        if (i < SPINS)
            cpu_relax();
        else
            sched_yield(); /* the kernel has put its thread aside */
    }
}

void oak__inside_wait(struct oak__p *p)
{
    oak__heavy_fence();
    wait_for_end(p, UINT64_MAX);
}

static void looking_begin(uint64_t rounds)
{
    struct oak__sched *s = oak__sched;
    fetch_add_seq(&oak__lookers, 1);
    oak__heavy_fence();
    for (uint32_t i = 0; s && i < s->nprocs; i++)
        wait_for_end(s->p[i], rounds);
}

void oak__looking_begin(void)
{
    looking_begin(UINT64_MAX);
}

void oak__looking_begin_dying(void)
{
    looking_begin(DYING_ROUNDS);
}

void oak__looking_end(void)
{
    fetch_sub_seq(&oak__lookers, 1);
}
