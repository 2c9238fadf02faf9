/*
 * Reports for when something has gone wrong.
 *
 * Internal: scope (panics, faults, overrun scopes), sync (channels freed under their waiters) and sched may
 * include it.
 */
#ifndef OAK_INSPECT_REPORT_H
#define OAK_INSPECT_REPORT_H

#include "arch/sigframe.h"
#include "sched/g.h"

/*
 * In a live process: writes one entry about g (state, where blocked, who created it), each line begun with
 * indent. g may end meanwhile: then that is what is said. Blocks for milliseconds; not entered, no lock held,
 * not from signal handlers.
 */
void oak__report_goroutine(int fd, struct oak__g *g, const char *indent);

/*
 * In a process that is about to end: the stack of the caller, then all other goroutines, grouped. at: what a
 * signal has interrupted, or NULL for the caller's own frame. Trusts nothing: the report is made by a clone
 * of the process on a stack of its own, and when that fails or hangs (the heap is broken, a lock was held) a
 * plainer one is made here. Allocates nothing, takes no lock; from signal handlers too, on 16 KiB of stack.
 * Entered or not. May take seconds.
 */
void oak__report_crash(int fd, const struct oak__sigframe *at);
/* The same without the caller's own stack. */
void oak__report_all(int fd);

#endif
