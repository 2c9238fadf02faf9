/*
 * x86-64: the general registers, and the area that XSAVE fills: its first 512 bytes are as old as SSE; after them and a
 * header each further component has a place that CPUID tells.
 */
#include "leak/registers.h"

#include <cpuid.h>

enum {
    OLD_REGISTERS = 32,
    OLD_END = 416,
    SOFTWARE = 464, /* what the kernel says about the area: a magic, its size, the components, their size */
    SOFTWARE_MAGIC = 0x46505853,
    HEADER = 512, /* which components hold anything */
    FIRST = 576,
    CPUID_XSAVE = 0xd,
    COMPONENTS = 20,
};
/* AVX; AVX-512's masks, upper halves, upper registers; AMX's two; APX. */
static const uint64_t known = 1u << 2 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 17 | 1u << 18 | 1u << 19;
/* x87 and SSE are the old ones; bounds, protection keys and the like are no addresses. */
static const uint64_t no_addresses = 1u << 0 | 1u << 1 | 1u << 3 | 1u << 4 | 1u << 8 | 1u << 9;

static struct {
    uint32_t at, size;
} place[COMPONENTS];
static bool prepared;

void oak__registers_prepare(void)
{
    unsigned size, at, c, d;
    if (prepared)
        return;
    for (unsigned i = 0; i < COMPONENTS; i++)
        if (known >> i & 1 && __get_cpuid_count(CPUID_XSAVE, i, &size, &at, &c, &d)) {
            place[i].at = at;
            place[i].size = size;
        }
    prepared = true;
}

struct software {
    uint32_t magic, extended_size;
    uint64_t components;
    uint32_t size;
};

static void find_components(uintptr_t area, struct oak__span *out)
{
    struct software s;
    uint64_t held;
    memcpy(&s, (const void *)(area + SOFTWARE), sizeof s);
    if (s.magic != SOFTWARE_MAGIC || s.size <= FIRST)
        return;
    memcpy(&held, (const void *)(area + HEADER), sizeof held);
    held &= s.components & ~no_addresses;
    if (held & ~known) {
        *out = (struct oak__span){area + FIRST, area + s.size};
        return;
    }
    for (unsigned i = 0; i < COMPONENTS; i++)
        if (held >> i & 1)
            *out++ = (struct oak__span){area + place[i].at, area + place[i].at + place[i].size};
}

void oak__registers_find(const ucontext_t *uc, struct oak__thread *t)
{
    const uintptr_t general = (uintptr_t)&uc->uc_mcontext.gregs[REG_R8],
                    area = (uintptr_t)uc->uc_mcontext.fpregs;
    t->regs = (struct oak__span){general, general + (REG_RIP - REG_R8) * sizeof(greg_t)};
    memset(t->more_regs, 0, sizeof t->more_regs);
    if (!area)
        return;
    t->more_regs[0] = (struct oak__span){area + OLD_REGISTERS, area + OLD_END};
    find_components(area, t->more_regs + 1);
}
