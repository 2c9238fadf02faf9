/* Internal to leak. */
#ifndef OAK_LEAK_ROOTS_H
#define OAK_LEAK_ROOTS_H

#include "leak/mark.h"

/*
 * Marks from all memory that is live by itself: whatever the program has written to and that is not known to be
 * something else (heap blocks, goroutines' stacks, the runtime's tables, dead parts of threads' stacks). 0 or -ENOMEM.
 */
int oak__mark_roots(struct oak__mark *m);

#endif
