/* What a child of fork(2) may still do. Internal to sched. */
#ifndef OAK_SCHED_FORK_H
#define OAK_SCHED_FORK_H

#include "base/atomic.h"
#include "base/common.h"

extern _Atomic bool oak__forked; /* this process is a child of one with goroutines */

void oak__fork_init(void);
/* The goroutine that forked has ended, in the child: so does the process. */
OAK_NORETURN void oak__fork_end(int result);

#endif
