/*
 * The chain of references that keeps a goroutine alive, from a root to it.
 *
 * Made in the analysis, from what marking has noted (trace.h); put into words by chain_text.c, elsewhere. So it holds
 * addresses and ids, no pointers.
 *
 * Internal to leak, and the tool.
 */
#ifndef OAK_LEAK_CHAIN_H
#define OAK_LEAK_CHAIN_H

#include "leak/trace.h"

enum oak__step_kind {
    OAK__STEP_MEMORY,    /* a root: of a module or mapped by itself; flags are the mapping's */
    OAK__STEP_REGISTERS, /* a root: of thread id */
    OAK__STEP_THREAD,    /* a root: on the stack, or in the thread-local storage, of thread id */
    OAK__STEP_TLS,   /* a root: thread-local storage of a thread that has its stack elsewhere, the first */
    OAK__STEP_BLOCK, /* of the heap */
    OAK__STEP_STACK, /* of goroutine id */
    OAK__STEP_CONTEXT,
    OAK__STEP_GOROUTINE, /* id; also a plain thread's stand-in */
    OAK__STEP_KERNEL,    /* a root: a word that the kernel keeps (kernel.h) */
};

/* What is named first keeps what is named next. */
struct oak__step {
    uint8_t kind, how; /* oak__how: as what it keeps the next one */
    bool itself;       /* the first one, which nothing had to keep alive */
    bool thread;       /* of a goroutine's: it is a plain thread's stand-in */
    uint32_t flags;
    uint64_t id;
    uintptr_t at, size; /* of the block; at: also of the context */
    uintptr_t site;     /* of the call that allocated the block, if that is known (tag.h) */
    uintptr_t
        ref; /* the word that refers to the next, or the object that the next one waits for; 0: neither */
};

enum oak__alive { OAK__ALIVE_UNKNOWN, OAK__ALIVE_YES, OAK__ALIVE_NO };
enum { OAK__MOST_STEPS = 128 };

struct oak__chain {
    uint32_t alive; /* oak__alive: UNKNOWN: there is no such goroutine */
    uint32_t n;
    uint64_t left_out; /* steps in the middle of a very long chain, before step[OAK__MOST_STEPS / 2] */
    struct oak__step step[OAK__MOST_STEPS]; /* from the root to the goroutine that was asked for */
};

struct oak__mark;
/* After marking with a trace: what keeps goroutine id alive. */
void oak__chain_find(const struct oak__mark *m, uint64_t id, struct oak__chain *out);

#endif
