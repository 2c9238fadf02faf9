/*
 * Reports for when something has gone wrong.
 *
 * Internal: scope (panics, faults, overrun scopes), sync (channels freed under their waiters) and sched may
 * include it.
 */
#ifndef OAK_INSPECT_REPORT_H
#define OAK_INSPECT_REPORT_H

#include "arch/sigframe.h"
#include "inspect/snapshot.h"
#include "sched/g.h"

/* A goroutine as it was at one moment. */
struct oak__picture {
    struct oak__g *g; /* which, and what its id is: the caller's to fill in */
    uint64_t id;
    bool there; /* false: it had just ended */
    struct oak_goroutine_info info;
    struct oak__strings strings;
};
/*
 * In a live process: how the goroutines of a list are now (but not the caller), all before the first word is said about one: finding
 * names may take so long that they would have gone on meanwhile. Blocks a moment; not entered, no lock held, not from signal
 * handlers.
 */
void oak__pictures_take(struct oak__picture *list, int n);
/* Writes an entry about one (state, where blocked, who created it), each line begun with indent. On a deep stack
 * (inspect/symbol.h). Blocks for milliseconds. */
void oak__picture_print(const struct oak__picture *p, int fd, const char *indent);

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
