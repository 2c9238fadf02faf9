/*
 * Where the registers of an interrupted thread lie in its signal frame.
 *
 * Nothing but they: the frame has holes that the kernel does not fill (what was on the stack there before stands in them), and
 * the address of the last fault, and around it are frames of handlers. All that would be taken for references.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_REGISTERS_H
#define OAK_LEAK_REGISTERS_H

#include "leak/image.h"

#include <ucontext.h>

/* Once, before registers are asked for. */
void oak__registers_prepare(void);
/* In a signal handler. */
void oak__registers_find(const ucontext_t *uc, struct oak__thread *t);

#endif
