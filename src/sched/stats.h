/*
 * What reports ask of the scheduler. Nothing here blocks, allocates or enters; any thread, also on the way
 * out of a crash.
 *
 * Internal: inspect and leak may include it.
 */
#ifndef OAK_SCHED_STATS_H
#define OAK_SCHED_STATS_H

#include "sched/g.h"

struct oak__sched_stats {
    uint64_t created, ended;   /* goroutines since the start; plain threads' stand-ins are not counted */
    uint32_t procs, threads;   /* Ps; threads that the runtime has made and that still exist */
    uint64_t stack_bytes;      /* reserved for stacks in use and cached */
    uint64_t descriptor_bytes; /* chunks of all slabs and of oak__runtime_alloc */
};
/* All zero before the runtime has started. */
void oak__sched_stats(struct oak__sched_stats *out);

/* Whether the thread that runs g holds a P: tells running from syscall. g may have gone on: a guess then. */
bool oak__g_has_p(const struct oak__g *g);
/* One past the highest address of g's stack; NULL while it has none. */
const void *oak__g_stack_hi(const struct oak__g *g);
/* Where a goroutine that was switched away at sp goes on, and its frame pointer there. */
void oak__g_saved_frame(const void *sp, const void **pc, const void **fp);
/* The name given to a scope or NULL. The caller makes sure that the scope exists (a held goroutine's does).
 */
const char *oak__scope_name(const struct oak_scope *s);

#endif
