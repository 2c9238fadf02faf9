/*
 * What led to what, noted while marking: so that it can be told what keeps a goroutine alive.
 *
 * Marking reaches units: blocks of the heap, stacks, contexts, goroutines. Of each the first way that led there is noted,
 * as what it is and the address that it came from; which unit that address belongs to is found again when the chain is
 * made (chain.c). Only on request: 16 bytes a unit, twice that while the table is half empty. The ordinary check notes
 * nothing.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_TRACE_H
#define OAK_LEAK_TRACE_H

#include "leak/scratch.h"

/* How one thing keeps the next. */
enum oak__how {
    OAK__HOW_ITSELF, /* nothing had to: it can run, or a timer, a deadline or the kernel will end its wait */
    OAK__HOW_REFERENCE, /* a word at this address refers to it */
    OAK__HOW_OWNER,     /* the stack of a live goroutine */
    OAK__HOW_WAITS,     /* it waits for the object at this address */
    OAK__HOW_HOLDER,    /* this goroutine holds the lock that it waits for */
    OAK__HOW_CONTEXT,   /* the end of this context ends its wait */
    OAK__HOW_PARENT,    /* a context hears of the end of this one */
    OAK__HOW_MEMBER,    /* a context that this goroutine has */
    OAK__HOW_CHILD,     /* this goroutine is a child of its scope, or of the scope that it waits for */
};

struct oak__trace {
    struct oak__trace_note {
        uintptr_t unit; /* address, and how in the top byte, which no address of a unit has; 0: empty */
        uintptr_t by;
    } * slots;
    size_t mask;
};

/* Room for so many units. 0 or -ENOMEM. */
int oak__trace_init(struct oak__trace *t, struct oak__scratch *s, size_t most);
/* Nothing when the unit has been noted before. */
void oak__trace_note(struct oak__trace *t, uintptr_t unit, enum oak__how how, uintptr_t by);
/* False: it was never reached. */
bool oak__trace_find(const struct oak__trace *t, uintptr_t unit, enum oak__how *how, uintptr_t *by);

#endif
