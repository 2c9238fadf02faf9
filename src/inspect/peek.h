/*
 * Reading memory that may not be there: on the way out of a crash, and where another goroutine may free it
 * meanwhile.
 *
 * Internal: inspect may include it.
 */
#ifndef OAK_INSPECT_PEEK_H
#define OAK_INSPECT_PEEK_H

#include "arch/sigframe.h"
#include "base/common.h"

/* n bytes, all of them or false. Never faults. Also false where process_vm_readv(2) is not to be had. */
bool oak__peek(void *to, const void *from, size_t n);

/*
 * Return addresses up to max, innermost first, of a stack of which nothing is known but its frame pointer.
 * Never faults. How many.
 */
int oak__walk_careful(const void *fp, const void **frames, int max);

/*
 * A function that was interrupted before it had a frame of its own, or never makes one (the small ones of the
 * C library): the frame pointer is still its caller's, and a walk would leave the caller out. Where it would
 * return to, by what the processor's registers say; NULL when it has a frame.
 */
const void *oak__frameless_caller(const struct oak__sigframe *at);

#endif
