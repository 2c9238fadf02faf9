/*
 * One goroutine, looked at from outside.
 *
 * Internal: inspect, leak and export may include it.
 */
#ifndef OAK_INSPECT_SNAPSHOT_H
#define OAK_INSPECT_SNAPSHOT_H

#include "sched/g.h"

/* What oak_goroutine_info points to; it must live as long as that. */
struct oak__strings {
    char name[64], scope_name[64];
};

enum oak__view {
    OAK__VIEW_LIVE,   /* everything goes on meanwhile. Not entered, no lock held */
    OAK__VIEW_DYING,  /* the same from wherever a process comes to its end: takes no lock */
    OAK__VIEW_FROZEN, /* nothing else runs (a clone of the process): nothing is locked or waited for */
};

/*
 * A consistent copy of g, if it is still (or id == 0: whatever it now is) goroutine id. False: it is not, or
 * ends just now. Call oak__text_refresh before the first of a series. Nothing blocks; a parked goroutine is
 * held for the look.
 */
bool oak__snapshot(struct oak__g *g, uint64_t id, enum oak__view view, struct oak_goroutine_info *out,
                   struct oak__strings *strings);

#endif
