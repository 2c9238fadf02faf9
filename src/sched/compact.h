/* Internal to sched. */
#ifndef OAK_SCHED_COMPACT_H
#define OAK_SCHED_COMPACT_H

#include "base/common.h"

/* The compactor runs, and trims as well what it cannot put away. */
bool oak__compacting(void);
/* Once the runtime has started: what OAK_COMPACT says. */
void oak__compact_from_environment(void);

#endif
