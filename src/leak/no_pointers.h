/*
 * Memory that the program has declared to be free of pointers.
 *
 * A hash table by the ranges' first addresses, in the runtime's own memory, which is no root. Written under a lock, one word
 * at a time, so that a clone made at any moment finds each entry as it was or as it became: an entry counts from the moment
 * when its address is there, and its size is there before. A table that has become too small stays as it is, and a larger
 * one, filled, takes its place.
 *
 * Internal to leak, and the tool.
 */
#ifndef OAK_LEAK_NO_POINTERS_H
#define OAK_LEAK_NO_POINTERS_H

#include "base/atomic.h"
#include "base/common.h"

struct oak__no_pointers {
    size_t slots; /* a power of two */
    struct oak__no_pointers_entry {
        _Atomic uintptr_t lo; /* 0: never used */
        _Atomic size_t size;
    } entry[];
};

enum { OAK__NO_POINTERS_GONE = 1 }; /* an entry's lo when it does not hold any more */

/* NULL: nothing has been declared. */
extern struct oak__no_pointers *_Atomic oak__no_pointers;

#endif
