/*
 * An emulator's own thread.
 *
 * qemu-user has one that is listed among the process's, never runs any of the program's code and takes no signal: the signal
 * round must not wait for it. But to spare a thread that does run the program's code would be a false proof. So three
 * things must hold:
 *   - it was there, and nobody else beside this thread was, when the library was loaded (in a child of fork: when it began);
 *   - it does not answer the signal;
 *   - the kernel says that it is executing at an address where this process, as the emulator describes it, has no memory.
 *     A thread of a process that is not emulated cannot be. So one that was says it of the process, for good: the mappings, of
 *     which an emulator's list is slow, are looked at once.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_EMULATOR_H
#define OAK_LEAK_EMULATOR_H

#include "base/common.h"

/* Whether a thread that does not answer is the emulator's own. dir: a descriptor of /proc/self/task. Allocates nothing. */
bool oak__emulators_own(int dir, int tid);

#endif
