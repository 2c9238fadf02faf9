#include "sched/alone.h"

#include <sched.h>

enum { SPINS = 200 };

_Atomic uint8_t oak__company;

void oak__company_decide(uint32_t nprocs)
{
    uint8_t unknown = OAK__COMPANY_UNKNOWN;
    const bool alone = nprocs == 1 && oak__inside_works();
    (void)cas_seq(&oak__company, &unknown, alone ? OAK__COMPANY_NONE : OAK__COMPANY_HERE);
}

static bool somebody_inside(struct oak__p *p)
{
    struct oak__m *m = load_acquire(&p->m);
    return m && load_acquire(&m->entered);
}

COLD void oak__company_comes(void)
{
    uint8_t company = load_acquire(&oak__company);
    while (company <= OAK__COMPANY_NONE && !cas_seq(&oak__company, &company, OAK__COMPANY_COMING))
        ;
    /* Who finds it COMING does not rely on the one who made it so: he may still be waiting. */
    oak__heavy_fence();
    struct oak__sched *s = oak__sched;
    for (unsigned i = 0; s && somebody_inside(s->p[0]); i++) {
        if (i < SPINS)
            cpu_relax();
        else
            sched_yield(); /* it runs goroutine after goroutine, or the kernel has put its thread aside */
    }
    store_release(&oak__company, OAK__COMPANY_HERE);
}
