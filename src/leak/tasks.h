/* The threads of this process as /proc tells. Allocates nothing. Internal to leak. */
#ifndef OAK_LEAK_TASKS_H
#define OAK_LEAK_TASKS_H

#include "leak/raw.h"

/* Calls fn with the id of each thread until it returns false. dir: a descriptor of /proc/self/task. 0 or negative
 * errno. */
int oak__tasks_each(int dir, bool (*fn)(int tid, void *arg), void *arg);

/* Writes n (>= 0) in decimal, without an end: how many digits. */
int oak__put_number(char *to, int n);
/* Opens what the kernel has of one under a name of at most 16 bytes. A descriptor, or negative errno. */
int oak__task_open(int dir, int tid, const char *name);
/* Whether a thread can still execute the program's code: a dead leader of others, or a kernel's worker (io_uring)
 * that is listed among the threads, cannot. True when in doubt. */
bool oak__task_runs_code(int dir, int tid);

#endif
