/*
 * aarch64: the general registers, and a row of records, each with its size, that ends with an empty one. One of them may
 * say that there are more elsewhere.
 */
#include "leak/registers.h"

enum { EXTRA_MAGIC = 0x45585401 };

struct record {
    uint32_t magic, size;
    uint64_t data; /* EXTRA_MAGIC: where */
    uint32_t data_size;
};

void oak__registers_prepare(void) {}

void oak__registers_find(const ucontext_t *uc, struct oak__thread *t)
{
    const mcontext_t *m = &uc->uc_mcontext;
    const uintptr_t begin = (uintptr_t)m->__reserved, end = begin + sizeof m->__reserved;
    uintptr_t at = begin;
    memset(t->more_regs, 0, sizeof t->more_regs);
    t->regs = (struct oak__span){(uintptr_t)m->regs, (uintptr_t)m->regs + sizeof m->regs};
    while (end - at >= sizeof(struct record)) {
        struct record r;
        memcpy(&r, (const void *)at, sizeof r);
        if (!r.magic || !r.size || r.size > end - at)
            break;
        if (r.magic == EXTRA_MAGIC)
            t->more_regs[1] = (struct oak__span){r.data, r.data + r.data_size};
        at += r.size;
    }
    t->more_regs[0] = (struct oak__span){begin, at};
}
