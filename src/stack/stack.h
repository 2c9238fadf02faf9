/*
 * Stacks of goroutines.
 *
 * Each size class has one large reserved region, committed by touch: no mapping per stack (vm.max_map_count
 * is 65530). The lowest page of each slot is a guard, put there when the slot is first used: by
 * MADV_GUARD_INSTALL (Linux 6.13 and newer: no mapping is split), else by mprotect, which splits mappings and
 * so limits the number of stacks to about 30,000.
 *
 * A slot is handed out by its P's cache (LIFO: hot), else by the class's pool, an array of slot numbers
 * outside the stacks themselves, so that a resting stack can give all its pages back: the monitor does that
 * for those that rest in the pool.
 *
 * Tops are coloured: stack number i starts (i mod 16) * 128 bytes below its slot's end, so that the hot top
 * lines of many stacks do not meet in one set of the first-level cache.
 *
 * Internal: sched, inspect and leak may include it.
 */
#ifndef OAK_STACK_STACK_H
#define OAK_STACK_STACK_H

#include "base/common.h"

enum { OAK__STACK_CLASSES = 5, OAK__STACK_DEFAULT = 1, OAK__STACK_CACHE = 32 };

/* A P's cache of free stacks of the default class. Plain fields: the P's holder only. */
struct oak__stack_cache {
    uint32_t n;
    char *lo[OAK__STACK_CACHE];
};

/* The class that holds want bytes (0: the default); -1: larger than the largest. */
int oak__stack_class(size_t want);
/* Bytes from lo to hi, guard excluded. */
size_t oak__stack_usable(int class);
/* Where the first frame goes (16-aligned), just below hi. */
char *oak__stack_top(char *lo, int class);

/* lo of a stack of the default class from the cache or the pool; NULL when the region is exhausted. */
char *oak__stack_get(struct oak__stack_cache *c);
void oak__stack_put(struct oak__stack_cache *c, char *lo);
/*
 * The last stack that was wanted of the default class could not be made although the region has room: no memory, or no
 * mapping, for its guard. Then whoever starts a goroutine makes sure of a stack first.
 */
extern _Atomic bool oak__stacks_scarce;
/* The same for any class, straight from the pool. Any thread. */
char *oak__stack_get_class(int class);
void oak__stack_put_class(int class, char *lo);

/* How many stacks of the default class can exist; 0: the region could not be reserved. Reserves at first
 * call. */
uint32_t oak__stack_capacity(void);
/* Discards the pages of up to max stacks that rest in the pools. How many. The monitor's. */
int oak__stack_trim(int max);
/* Bytes reserved for slots that have been used. */
uint64_t oak__stack_bytes(void);
/* Bytes of address space of all regions, used or not. In a clone, where nothing moves. */
uint64_t oak__stack_reserved(void);
/* Calls fn for each region [lo, hi) that holds used slots. */
struct oak__stack_region_info {
    const char *lo, *hi;
    const char *end; /* of the reserved region: from hi on nothing was ever written */
    size_t slot;
    const void *away; /* the slots' words (away.h), or NULL */
};
void oak__stack_regions(bool (*fn)(const struct oak__stack_region_info *r, void *arg), void *arg);
/* Where that is noted, for a reader from outside (leak/debug_root.h). */
struct oak__stack_books {
    const void *classes;                    /* an array */
    uint32_t n, size;                       /* entries, bytes of one */
    uint32_t base, slot, used, slots, away; /* offsets in one */
};
void oak__stack_books(struct oak__stack_books *out);
/* The slot that p lies in, its guard included. False: in none that was ever used. Any thread, also from signal handlers. */
struct oak__stack_place {
    char *lo, *hi; /* without the guard */
    char *top;     /* where the first frame went */
    _Atomic uintptr_t *away;
};
bool oak__stack_find(const void *p, struct oak__stack_place *out);
/* Compact mode is on from now on: prepares the regions. */
void oak__stack_compactable(void);

#endif
