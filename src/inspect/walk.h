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

/*
 * Which addresses hold code is read from the list of mappings, which may be long (a mapping a stack, where guards split them).
 * Before a series of walks it is read anew: in any case, or only if libraries have been loaded or unloaded since (not from
 * signal handlers). Code that the program has made in memory of its own is then found out by the walk that
 * meets it: oak__text_missed, once after such a miss, says that reading anew may show more.
 */
void oak__text_refresh(void);
void oak__text_refresh_if_loaded(void);
bool oak__text_missed(void);
/* Whether pc lies in code. True when nothing is known. */
bool oak__text_has(const void *pc);

#endif
