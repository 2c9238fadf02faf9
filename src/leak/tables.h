/*
 * The runtime's own memory in an image: objects that the analysis knows by type, and what it leaves out.
 *
 * A source fills this in; for this process it is own_tables.c.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_TABLES_H
#define OAK_LEAK_TABLES_H

#include "leak/image.h"

/* One type's objects: chunks of n objects side by side. */
struct oak__table {
    size_t object_size;
    struct oak__chunk {
        uintptr_t base;
        size_t n;
    } * chunks;
    size_t nchunks;
};

/* Stacks of goroutines, one a slot. */
struct oak__stack_region {
    uintptr_t lo, hi;
    size_t slot;
    uintptr_t away; /* a word a slot: see stack/away.h; 0: compact mode is off */
};

enum { OAK__MOST_STACK_REGIONS = 8 };

struct oak__tables {
    struct oak__table g, m, ctx, after, reads;
    struct oak__stack_region stacks[OAK__MOST_STACK_REGIONS];
    size_t nstacks;
    uintptr_t scopes;       /* the list head of the tree of scopes; 0: none */
    struct oak__span *skip; /* no roots: the tables above, the scheduler, the analysis itself */
    size_t nskip;
    struct oak__span *quiet; /* sorted: memory that the program says has no pointers */
    size_t nquiet;
    uintptr_t stop_return; /* what the handler of the check's own signal returns to; 0: as all others */
};

/* Calls fn with the number and the address of each object of a table, used or free, until it returns false. */
void oak__table_each(const struct oak__table *t, bool (*fn)(size_t i, uintptr_t object, void *arg),
                     void *arg);
size_t oak__table_size(const struct oak__table *t);
/* The number of the object that contains p, + 1; 0: none. */
size_t oak__table_index(const struct oak__table *t, uintptr_t p);

/* ---- quiet.c ---- */
/* Reads what the program has declared; table: the struct oak__no_pointers, 0: none. 0 or -ENOMEM. */
int oak__quiet_read(const struct oak__image *img, uintptr_t table, struct oak__scratch *s,
                    struct oak__tables *t);
/* From *at on, which it moves: the next part of a block that may have pointers. What was declared counts only where it lies
 * within that one block: else it is of another that was there before, or wrong. False: there is no more. */
bool oak__quiet_next(const struct oak__tables *t, const struct oak__span *block, uintptr_t *at,
                     struct oak__span *part);

/* The tables of this process, in a clone of it. more: memory of the check itself, which is no root. 0 or -ENOMEM. */
int oak__own_tables(struct oak__tables *t, const struct oak__image *img, struct oak__scratch *s,
                    const struct oak__span *more, size_t n);

#endif
