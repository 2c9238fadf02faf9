#include "arch/sigframe.h"

#include <ucontext.h>

enum { RED_ZONE = 128, DIRECTION_FLAG = 0x400, X87_EXCEPTIONS = 0x80ff };

/* The frame of oak__fault_entry: see fault.S. */
struct entry_frame {
    uint64_t fp, walk_pc; /* a frame record, as walks along frame pointers want it */
    uint64_t pc, sp;
};
_Static_assert(sizeof(struct entry_frame) + RED_ZONE + 16 <= OAK__DIVERT_BYTES, "OAK__DIVERT_BYTES");

void oak__fault_entry(void);

void oak__sigframe_read(const void *uc, struct oak__sigframe *out)
{
    const greg_t *r = ((const ucontext_t *)uc)->uc_mcontext.gregs;
    out->pc = (const void *)r[REG_RIP];
    out->sp = (const void *)r[REG_RSP];
    out->fp = (const void *)r[REG_RBP];
    out->lr = NULL;
}

void oak__sigframe_divert(void *uc, uintptr_t a, uintptr_t b, uintptr_t c)
{
    mcontext_t *m = &((ucontext_t *)uc)->uc_mcontext;
    greg_t *r = m->gregs;
    struct entry_frame *f = (struct entry_frame *)(((uintptr_t)r[REG_RSP] - RED_ZONE) & ~(uintptr_t)15) - 1;
    *f = (struct entry_frame){.fp = (uint64_t)r[REG_RBP],
                              .walk_pc = (uint64_t)r[REG_RIP] + 1, /* walks take one off a return address */
                              .pc = (uint64_t)r[REG_RIP],
                              .sp = (uint64_t)r[REG_RSP]};
    r[REG_RSP] = r[REG_RBP] = (greg_t)f;
    r[REG_RIP] = (greg_t)oak__fault_entry;
    r[REG_RDI] = (greg_t)a;
    r[REG_RSI] = (greg_t)b;
    r[REG_RDX] = (greg_t)c;
    r[REG_EFL] &= ~(greg_t)DIRECTION_FLAG; /* as the ABI wants it at a function's entry */
    if (m->fpregs)
        m->fpregs->swd &= (uint16_t)~X87_EXCEPTIONS; /* or the next x87 instruction would raise it again */
}
