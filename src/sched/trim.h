/* Internal to sched: the monitor's. */
#ifndef OAK_SCHED_TRIM_H
#define OAK_SCHED_TRIM_H

#include "base/common.h"

/* One step over the parked goroutines. False: a pass is complete and there is nothing to come back for. */
bool oak__trim_parked(int64_t now);

#endif
