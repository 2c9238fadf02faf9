/*
 * The whole analysis of one image, and what it found.
 *
 * The results are written by the clone and read by the process: they hold addresses and ids, no pointers, and lie in
 * memory that both share.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_ANALYSIS_H
#define OAK_LEAK_ANALYSIS_H

#include "leak/chain.h"
#include "leak/dominators.h"
#include "leak/heap.h"
#include "leak/world.h"

/* Why a goroutine will never run again. */
enum oak__why {
    OAK__WHY_NOTHING,      /* a nil channel, a select without cases: there is nothing that could end that */
    OAK__WHY_UNREACHED,    /* only leaked goroutines have references to what it waits for */
    OAK__WHY_SELF_LOCK,    /* it holds the lock itself */
    OAK__WHY_LOCK_CYCLE,   /* goroutines wait for each other's locks */
    OAK__WHY_HOLDER,       /* a leaked goroutine holds the lock */
    OAK__WHY_BEHIND,       /* a leaked goroutine waits before it to write-lock, and keeps readers out */
    OAK__WHY_HOLDER_ENDED, /* who held the lock has ended */
    OAK__WHY_CHILD,        /* a child of its scope is leaked */
};

enum { OAK__OTHERS = 4 };

struct oak__finding {
    uint64_t id;
    uintptr_t g;                  /* descriptor */
    uint64_t wait;                /* its wait word */
    uint64_t retained;            /* bytes */
    uintptr_t object;             /* what it waits for, the first if several */
    uint64_t others[OAK__OTHERS]; /* ids: who else refers to that; holders; the leaked child */
    uint32_t nothers;             /* may be more than fit */
    uint32_t nobjects;
    uint32_t node; /* of the analysis */
    uint8_t why, reason;
    bool in_heap;    /* memory that only leaked goroutines reach refers to it, too */
    bool in_context; /* it has an ambient context, which nobody live can end */
};

/* A block of known bounds, to see whether the walk finds it. */
struct oak__plant {
    uintptr_t at;
    size_t size; /* usable */
};
enum { OAK__PLANTS = 3 };

/* What cannot be seen, so that nothing can be proven. */
enum oak__lost {
    OAK__LOST_NOTHING,
    OAK__LOST_MEMORY,    /* some memory is not in the image */
    OAK__LOST_IN_KERNEL, /* the kernel keeps words of the program that it does not tell */
};

struct oak__results {
    uint32_t done; /* set last: the analysis has come to its end */
    uint32_t lost; /* oak__lost */
    bool exact;    /* the heap was understood, all of it */
    bool glibc;    /* at least it is glibc's */
    uint64_t goroutines, blocked;
    uint64_t blocks, bytes;   /* of the heap */
    uint64_t unseen;          /* bytes of shared memory that was too large to be copied */
    uint64_t unreadable;      /* pages whose reading was a fault */
    int64_t walk, mark, rest; /* ns */
    uint64_t memory;          /* bytes that the analysis took for its tables */
    size_t room, n;           /* findings */
    uint64_t dropped;         /* that did not fit */
    struct oak__chain chain;  /* when that was asked for */
    struct oak__tops tops[OAK__TOP_KEYS];
    struct oak__finding found[]; /* in order of id */
};

/* What the analysis looks at. */
struct oak__subject {
    struct oak__image *img;
    struct oak__tables *tables;
    struct oak__scratch *scratch;
    struct oak__plant plants[OAK__PLANTS]; /* at 0: not planted */
    uint64_t why_live;                     /* the goroutine whose chain is wanted; 0: none */
};

/* 0 or negative errno; results->done is left to the caller. */
int oak__analyse(struct oak__subject *s, struct oak__results *r);

#endif
