/*
 * Memory of the analysis: one reserved range, handed out upwards, given back as a whole.
 *
 * The analysis runs in a process whose malloc may be locked for ever by a thread that does not exist there, so
 * it never uses it. One range also means one thing to leave out of the roots.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_SCRATCH_H
#define OAK_LEAK_SCRATCH_H

#include "base/common.h"

struct oak__scratch {
    char *base;
    size_t size, used, committed;
};

/* Reserves up to so much address space (none is committed), as much as is granted. 0 or -ENOMEM. */
int oak__scratch_init(struct oak__scratch *s, size_t most);
/*
 * Address space is not free everywhere: an emulator notes each of its pages. So no more than what surely suffices is asked for:
 * for a list of mappings, and for the analysis of an image of so many bytes (its tables are a tenth of a heap, and less than
 * half of the runtime's descriptors).
 */
#define OAK__SCRATCH_SMALL ((size_t)1 << 28)
#define OAK__SCRATCH_LARGE ((size_t)1 << 38)
static inline size_t oak__scratch_for(size_t mapped)
{
    const size_t least = (size_t)1 << 32;
    return mapped < OAK__SCRATCH_LARGE - least ? least + mapped : OAK__SCRATCH_LARGE;
}
/* n * size bytes, zeroed, aligned to 16; NULL when memory is out. */
void *oak__scratch_alloc(struct oak__scratch *s, size_t n, size_t size);
/* How much of it is in memory, in bytes: what was handed out and never touched costs nothing. */
size_t oak__scratch_resident(const struct oak__scratch *s);
void oak__scratch_free(struct oak__scratch *s);

#endif
