/*
 * Which block keeps most of what a leaked goroutine retains.
 *
 * A block dominates another when every way from the goroutine to that one leads over it: without it, that one would be free.
 * While a goroutine's memory is collected, each block that it is the first to reach is noted with the one that led to it. A
 * further reference to a noted block can only take dominators away: its nearest one becomes the nearest that both ways have
 * in common. When such a change was made, changes are made until every reference agrees; what is left is exact, since a way
 * that avoided a dominator would have a reference that enters its part of the tree from outside.
 *
 * A block's dominator has a lower number than the block, so the common one of two is found by going up from the higher.
 *
 * 28 bytes a block; room is made for a number of blocks that keeps it below 2% of the heap. What does not fit is added to
 * the block from which it was found; the result then is no longer exact, and says so.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_DOMINATORS_H
#define OAK_LEAK_DOMINATORS_H

#include "leak/heap.h"

enum { OAK__TOPS = 3, OAK__TOP_KEYS = 256 };

/* A block that keeps much. */
struct oak__top {
    uint64_t id; /* of the goroutine */
    uintptr_t at;
    uint64_t size, retained;
    uintptr_t site; /* of the call that allocated it, when blocks are tagged (tag.h); 0: not known */
    bool exact;
};

/* The largest of goroutines with the same key, which is of those that start at one place. */
struct oak__tops {
    uint64_t key;
    struct oak__top top[OAK__TOPS]; /* largest first; retained 0: no more */
};

struct oak__dominators {
    struct oak__dom_block {
        uintptr_t lo;
        uint64_t retained; /* at first its own size */
        uint32_t idom;     /* number of its nearest dominator; 0: the goroutine itself */
        uint32_t next;     /* in its hash slot */
    } * blocks;            /* from 1 */
    uint32_t n, most;
    uint32_t *slots;
    size_t mask;
    uint32_t found_from; /* what led to the block that was found last */
    bool changed, exact;
};

struct oak__mark;

/* 0 or -ENOMEM. */
int oak__dominators_init(struct oak__dominators *d, const struct oak__heap *h, struct oak__scratch *s);
/* Nothing is noted. */
void oak__dominators_clear(struct oak__dominators *d);
/* A word at from (in no block: the goroutine's own) led to a block for the first time; or once more, to any block. */
void oak__dominators_found(struct oak__dominators *d, const struct oak__heap *h, const struct oak__block *b,
                           uintptr_t from);
void oak__dominators_again(struct oak__dominators *d, const struct oak__heap *h, const struct oak__block *b,
                           uintptr_t from);
/* All that goroutine id retains has been found: enters its largest blocks among those of the key. */
void oak__dominators_enter(struct oak__mark *m, uint64_t id, uint64_t key, struct oak__tops *tops);

#endif
