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
 * How much to ask for: for a list of mappings, for the analysis of an image of so many bytes (its tables are a tenth of a heap, and
 * less than half of the runtime's descriptors), and at most. Address space is not free everywhere: an emulator notes each of its
 * pages, and copies those notes with the process. There it is no more than what surely suffices.
 */
size_t oak__scratch_small(void);
size_t oak__scratch_for(size_t mapped);
#define OAK__SCRATCH_LARGE ((size_t)1 << 38)
/* n * size bytes, zeroed, aligned to 16; NULL when memory is out. */
void *oak__scratch_alloc(struct oak__scratch *s, size_t n, size_t size);
/* How much of it is in memory, in bytes: what was handed out and never touched costs nothing. */
size_t oak__scratch_resident(const struct oak__scratch *s);
void oak__scratch_free(struct oak__scratch *s);

#endif
