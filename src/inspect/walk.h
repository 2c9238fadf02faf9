/*
 * Stacks, walked along frame pointers. Reads only what lies between the given bounds, so it never faults,
 * whatever the words there are: a program built without frame pointers gives a short or a wrong stack,
 * nothing worse.
 *
 * Internal: inspect, leak and scope may include it.
 */
#ifndef OAK_INSPECT_WALK_H
#define OAK_INSPECT_WALK_H

#include "base/common.h"

/*
 * Up to max return addresses of the frame whose frame pointer is fp, and its callers, innermost first. [lo,
 * hi) is the part of the stack that is in use; it must be readable. How many. Safe everywhere.
 */
int oak__walk(const void *fp, const void *lo, const void *hi, const void **frames, int max);
/* The same for a stack whose bytes lie elsewhere: those of address a at a + by. */
int oak__walk_moved(const void *fp, const void *lo, const void *hi, ptrdiff_t by, const void **frames,
                    int max);

/* A return address without what aarch64 may sign it with (pointer authentication). */
const void *oak__bare_pc(const void *pc);

/* Reads anew which addresses hold code: before a series of walks, since libraries may have been loaded. */
void oak__text_refresh(void);
/* Whether pc lies in code. True when nothing is known. */
bool oak__text_has(const void *pc);

#endif
