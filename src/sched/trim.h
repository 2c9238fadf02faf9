/* Internal to sched: the monitor's, or in compact mode the compactor's. */
#ifndef OAK_SCHED_TRIM_H
#define OAK_SCHED_TRIM_H

#include "base/common.h"

/* A pass over all descriptors. */
struct oak__trim {
    int64_t parked_for; /* ns: how long a goroutine must have been parked */
    int look_at;        /* descriptors at a time */
    bool compact;       /* puts stacks away where it can */
    size_t next;        /* descriptor to go on with; 0: the pass is complete */
    bool young;         /* some were not parked for long enough yet; whoever begins a pass takes it back */
    uint64_t done;      /* stacks put away */
};

/* One step over the parked goroutines. False: the pass is complete. */
bool oak__trim_parked(struct oak__trim *t, int64_t now);

#endif
