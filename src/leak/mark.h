/*
 * The fixed point: who may run again.
 *
 * Marking starts at the roots and goes through heap blocks, as a conservative garbage collector does: every word that
 * could be an address counts. Two things are added. A blocked goroutine is no root; it becomes live, and its stack
 * with it, when something that could wake it is reached: the object it waits for, its context. And what the runtime
 * knows by type is followed as what it is: a context keeps what its end touches, not what holds it; a lock's waiter
 * needs the lock's owner. Who is not live when nothing more is reached can never run again.
 *
 * The rules only ever add, so the order does not matter. Nothing recurses: blocks to be looked at are on a stack of
 * fixed size (what does not fit has a bit to itself and is come back to, mark_missed.c), goroutines and contexts in queues
 * through their own records.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_MARK_H
#define OAK_LEAK_MARK_H

#include "base/hash.h"
#include "leak/dominators.h"
#include "leak/heap.h"
#include "leak/trace.h"
#include "leak/world.h"

enum oak__area_kind { OAK__AREA_SEGMENT, OAK__AREA_LARGE, OAK__AREA_STACKS, OAK__AREA_CONTEXTS };

/* Where a reference may stand: at multiples of its size; but x86-64 has struct epoll_event, whose pointer is at 4. */
#if defined(__x86_64__)
enum { OAK__STRIDE = 4 };
#else
enum { OAK__STRIDE = 8 };
#endif

/* Addresses that mean something. */
struct oak__area {
    uintptr_t lo, hi;
    uint32_t kind;
    uint32_t index; /* of the segment, large chunk, stack region, or the first context of the chunk */
};

/* A piece of memory to be looked at. */
struct oak__piece {
    const char *at;
    uintptr_t address; /* of the program, where at can be read */
    size_t n : 63;
    size_t in_heap : 1;
};

/* Leaked goroutines that have a reference to what others wait for. */
enum { OAK__REFERRERS = 4 };
struct oak__referrers {
    uint32_t node[OAK__REFERRERS]; /* index + 1 */
    uint32_t n;                    /* may be more than fit */
    bool in_heap;                  /* and so has heap memory that they reach */
};

struct oak__mark {
    struct oak__image *img;
    struct oak__heap *heap;
    const struct oak__tables *tables;
    struct oak__world *world;
    struct oak__scratch *scratch;
    uintptr_t least, span; /* no address below least or from least + span on means anything */
    struct oak__area *areas;
    size_t nareas, last_area;
    struct oak__piece *pieces;
    size_t npieces, most_pieces;
    bool in_heap;         /* the piece being looked at is */
    uintptr_t from;       /* where the word being looked at stands */
    bool missed;          /* something did not fit */
    uint32_t live, alive; /* queues of nodes and contexts: index + 1 */
    uint32_t *waits_of;   /* hash of waits by unit */
    size_t waits_mask;
    struct oak__trace *trace; /* who led to whom; NULL: nobody asks */
    size_t first_piece;       /* with a trace, the pieces are a queue */
    /* Second part, for those who are left: */
    uint32_t collecting; /* the leaked goroutine whose memory is being counted: index + 1 */
    uint64_t retained;
    struct oak__dominators *dominators;
    struct oak__referrers *referrers; /* per wait; of the first one for a unit */
};

/* How many pieces can be noted at most; what does not fit is come back to. A test makes it few. */
extern size_t oak__mark_most_pieces;

/* 0 or -ENOMEM. */
int oak__mark_init(struct oak__mark *m, struct oak__image *img, struct oak__heap *heap,
                   const struct oak__tables *tables, struct oak__world *world, struct oak__scratch *s);
/* From now on what leads to what is noted, the shortest way to each; before the roots are looked at. 0 or -ENOMEM. */
int oak__mark_trace(struct oak__mark *m, struct oak__trace *t);
/* Who surely goes on, by what the world says at first. Before anything is marked: who is found to be alive later is not to be counted
 * a second time. */
void oak__mark_begin(struct oak__mark *m);
/* Somebody live may have references to everything, since not all memory was seen. */
void oak__mark_suppose_reached(struct oak__mark *m);
/* [lo, hi) is live memory. */
void oak__mark_range(struct oak__mark *m, uintptr_t lo, uintptr_t hi);
/* So are the words that the kernel keeps (kernel.h). */
void oak__mark_kept(struct oak__mark *m);
/* Marks from what the world says is live, and from what has been marked before, until nothing changes. */
void oak__mark_all(struct oak__mark *m);

/* ---- mark_missed.c ---- */
/* There was no place for b, or for n's stack. */
void oak__mark_miss_block(struct oak__mark *m, const struct oak__block *b);
void oak__mark_miss_stack(struct oak__mark *m, struct oak__node *n);
/* Looks at all that was missed, and all that follows, until nothing is. */
void oak__mark_missed(struct oak__mark *m);
/* For these: looks at a block and what follows, when nothing is noted; at all that is noted and what follows. */
void oak__mark_look_at(struct oak__mark *m, const struct oak__block *b);
void oak__mark_drain(struct oak__mark *m);

/* The first wait for the same unit, which has the referrers. */
uint32_t oak__mark_unit_wait(const struct oak__mark *m, uintptr_t unit);

/* ---- mark_retained.c: afterwards ---- */
/* The heap bytes that only leaked goroutines reach, and this one first of them in order of calls. Notes who of them refers
 * to what others wait for, and by which blocks this one reaches what (m->dominators). */
uint64_t oak__mark_retained(struct oak__mark *m, uint32_t node);
/* A reference of who is being collected to b, or to unit. */
void oak__mark_collect(struct oak__mark *m, const struct oak__block *b, bool before);
void oak__mark_refers(struct oak__mark *m, uintptr_t unit);
/* For these two: the part in use of n's stack, or a word p, is to be looked at; all that follows. */
void oak__mark_push_stack(struct oak__mark *m, struct oak__node *n);
void oak__mark_word(struct oak__mark *m, uintptr_t p);
void oak__mark_finish(struct oak__mark *m);
/* The block of the heap that the word p refers to, if it does. */
bool oak__mark_heap_block(struct oak__mark *m, uintptr_t p, struct oak__block *out);

/* ---- mark_areas.c ---- */
int oak__mark_areas(struct oak__mark *m);
/* The area that p lies in, or NULL; notes it in last_area. */
const struct oak__area *oak__mark_area(struct oak__mark *m, uintptr_t p);

/* ---- mark_units.c ---- */
/* The unit that object lies in; 0: it lies elsewhere. */
uintptr_t oak__mark_unit_of(const struct oak__mark *m, uintptr_t object);

static inline size_t mark_hash(const struct oak__mark *m, uintptr_t unit)
{
    return hash_address(unit) & m->waits_mask;
}

#endif
