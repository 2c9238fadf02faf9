/*
 * Which read locks a goroutine holds: so that giving back one that it never took is found, and so that the
 * leak proof sees who keeps a writer waiting.
 *
 * g->reads is 0 (none), the address of the one rwmutex read-locked (the usual case: no memory, two
 * instructions), or, with its lowest bit set, the address of a table of up to READS of them (one locked twice
 * stands in it twice). Written by the goroutine itself only. What does not fit is counted in the rwmutex as
 * untracked.
 *
 * Internal: sync, scope, inspect and leak may include it.
 */
#ifndef OAK_SYNC_READS_H
#define OAK_SYNC_READS_H

#include "base/slab.h"
#include "sched/g.h"

enum { OAK__READS = 8 };

struct oak__reads {
    const void *locks[OAK__READS]; /* NULL: unused place */
};

extern struct oak__slab oak__reads_slab;

/* False: there was no room or no memory. Not entered. */
bool oak__reads_add(struct oak__g *g, const void *lock);
/* False: g is not known to hold it. Not entered. */
bool oak__reads_remove(struct oak__g *g, const void *lock);
/* g ends: whatever it still holds is held by nobody. Not entered. */
void oak__reads_clear(struct oak__g *g);
/* The i-th read lock that g holds, or NULL past the last: for reports and the proof. */
const void *oak__reads_at(const struct oak__g *g, int i);

#endif
