/*
 * This process's mappings, read from /proc/self/maps without malloc: also on the way out of a crash.
 *
 * Internal: inspect, leak and scope may include it.
 */
#ifndef OAK_INSPECT_MAPS_H
#define OAK_INSPECT_MAPS_H

#include "base/common.h"

struct oak__map {
    uintptr_t lo, hi;
    uint64_t offset; /* in the file */
    bool readable, writable, executable;
    bool shared;    /* with other processes; else private, written pages are copies */
    char path[256]; /* empty: anonymous; cut when longer */
};

/* Calls fn for each mapping in order of address until it returns false. 0 or negative errno (/proc not
 * mounted). */
int oak__maps_each(bool (*fn)(const struct oak__map *m, void *arg), void *arg);
/* The mapping that contains p. */
bool oak__maps_find(const void *p, struct oak__map *out);

#endif
