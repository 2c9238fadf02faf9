/*
 * A twin of a stopped process: it is made to clone itself, and the clone, which never runs, is what is read. So the process stands
 * still for as long as the kernel copies page tables, not for as long as memory is copied.
 *
 * One of its threads is borrowed for one system call: its registers are set so that it calls clone(2) by an instruction that the
 * kernel has mapped into each process, and set back before it runs again. A thread that waits in the kernel goes on waiting. The clone
 * shares the table of descriptors, so that none stays open by it, sends no signal at its end, and counts as the process's child until it
 * is waited for, which the process is made to do in the same way.
 *
 * Should the tracer be killed by SIGKILL while the call runs, the thread goes on with the wrong registers: so the tracer is a process of its
 * own (twin_guard), out of reach of who kills the tool.
 */
#ifndef OAKUM_CLI_TWIN_H
#define OAKUM_CLI_TWIN_H

#include "foreign.h"
#include "stopping.h"

struct twin {
    pid_t pid;      /* 0: there is none */
    pid_t inner;    /* its number, as its parent knows it */
    uintptr_t call; /* where the system call instruction is */
};

/*
 * The calling process waits for a child of its own, which goes on from here, and ends as that does. The child ends when the
 * other one does, but not while signals are blocked. Before any thread is made. False: no child could be made.
 */
bool twin_guard(void);
/* All threads of s are stopped, f has the mappings. 0 or an errno: then nothing has happened. Signals stay blocked until twin_end. */
int twin_make(struct twin *t, const struct foreign *f, struct stopping *s);
/* The clone lacks what the process keeps from its children (MADV_DONTFORK, MADV_WIPEONFORK). */
bool twin_lacks(const struct twin *t, const struct foreign *f);
/* Ends it, and has its parent, whose threads run by now, wait for it. */
void twin_end(struct twin *t, pid_t parent);

#endif
