#include "arch/sigframe.h"

#include <ucontext.h>

/* The frame of oak__fault_entry: see fault.S. */
struct entry_frame {
    uint64_t fp, walk_pc; /* a frame record, as walks along frame pointers want it */
    uint64_t pc, sp;
};
_Static_assert(sizeof(struct entry_frame) + 16 <= OAK__DIVERT_BYTES, "OAK__DIVERT_BYTES");

void oak__fault_entry(void);

void oak__sigframe_read(const void *uc, struct oak__sigframe *out)
{
    const mcontext_t *m = &((const ucontext_t *)uc)->uc_mcontext;
    out->pc = (const void *)m->pc;
    out->sp = (const void *)m->sp;
    out->fp = (const void *)m->regs[29];
    out->lr = (const void *)m->regs[30];
}

void oak__sigframe_divert(void *uc, uintptr_t a, uintptr_t b, uintptr_t c)
{
    mcontext_t *m = &((ucontext_t *)uc)->uc_mcontext;
    struct entry_frame *f = (struct entry_frame *)(m->sp & ~(uint64_t)15) - 1;
    *f = (struct entry_frame){.fp = m->regs[29],
                              .walk_pc = m->pc + 1, /* walks take one off a return address */
                              .pc = m->pc,
                              .sp = m->sp};
    m->sp = m->regs[29] = (uintptr_t)f;
    m->pc = (uintptr_t)oak__fault_entry;
    m->regs[0] = a;
    m->regs[1] = b;
    m->regs[2] = c;
}
