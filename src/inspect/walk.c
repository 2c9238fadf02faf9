#include "inspect/walk.h"

/*
 * x86-64 and aarch64 keep the same frame record: the caller's frame pointer, then the return address, at the
 * address in the frame pointer register (rbp, x29).
 */
struct record {
    const struct record *caller;
    const void *pc;
};

const void *oak__bare_pc(const void *pc)
{
#ifdef __aarch64__
    register const void *lr __asm__("x30") = pc;
    __asm__("hint #7" : "+r"(lr)); /* xpaclri; does nothing on older processors */
    return lr;
#else
    return pc;
#endif
}

/* A record must lie wholly within the bounds. */
static bool within(const struct record *r, uintptr_t lo, uintptr_t hi)
{
    uintptr_t at = (uintptr_t)r;
    return at >= lo && at < hi && hi - at >= sizeof *r && at % sizeof(void *) == 0;
}

/* The stack may be another goroutine's, and a sanitizer may have poisoned what lies between the records. */
__attribute__((no_sanitize("address", "thread"))) int
oak__walk_moved(const void *fp, const void *lo, const void *hi, ptrdiff_t by, const void **frames, int max)
{
    const struct record *r = fp;
    uintptr_t from = (uintptr_t)lo;
    int n = 0;
    /* Each caller's record lies above its callee's: so the walk ends. */
    while (n < max && within(r, from, (uintptr_t)hi)) {
        const struct record *at = (const void *)((uintptr_t)r + (uintptr_t)by);
        const void *pc = oak__bare_pc(at->pc);
        if (!oak__text_has(pc))
            break;
        frames[n++] = pc;
        from = (uintptr_t)r + sizeof *r;
        r = at->caller;
    }
    return n;
}

int oak__walk(const void *fp, const void *lo, const void *hi, const void **frames, int max)
{
    return oak__walk_moved(fp, lo, hi, 0, frames, max);
}
