/*
 * Goroutines that are alike, counted together: the reports show a leak of ten thousand as one entry.
 *
 * Alike means: same tag (the caller's own; the leak report puts its verdict there), state, wait reason, stack
 * and creator.
 *
 * Internal: inspect, leak and export may include it.
 */
#ifndef OAK_INSPECT_GROUP_H
#define OAK_INSPECT_GROUP_H

#include "base/common.h"

#include <oakum/inspect.h>

enum { OAK__GROUP_IDS = 8 };

struct oak__group {
    struct oak__group *next; /* in its hash slot */
    uint64_t hash;
    unsigned tag;
    uint64_t count;
    uint64_t weight;                 /* sum of what the members were added with (retained bytes) */
    int64_t oldest, newest;          /* wait_since; 0 when not waiting */
    uint64_t deadlines;              /* members whose wait ends by itself */
    uint64_t ids[OAK__GROUP_IDS];    /* the first members' */
    bool same_name, same_object;     /* name, wait_object are those of all members */
    char *text;                      /* oak__groups_describe: stack and creator, in words */
    const void *user;                /* the caller's own, NULL at first */
    struct oak_goroutine_info first; /* the member that was added first; its strings are here: */
    char name[64], scope_name[64];
};

struct oak__groups {
    struct oak__group **slots; /* hash table */
    size_t nslots, n;
    struct oak__group **sorted; /* by oak__groups_sort */
};

/* Puts one goroutine into its group, which is returned; NULL when memory is out. gs starts all zero. */
struct oak__group *oak__groups_add(struct oak__groups *gs, const struct oak_goroutine_info *g, unsigned tag,
                                   uint64_t weight);
/* The group that such a goroutine would be put into; NULL: there is none. */
const struct oak__group *oak__groups_find(const struct oak__groups *gs, const struct oak_goroutine_info *g,
                                          unsigned tag);
/* After oak__groups_describe: the two are shown as one. b may be NULL. */
bool oak__groups_read_alike(const struct oak__group *a, const struct oak__group *b);
/* gs->sorted[0 .. gs->n): by tag downwards, then most numerous first, then lowest id. 0 or -ENOMEM. */
int oak__groups_sort(struct oak__groups *gs);
/* The same for gs->sorted as it is. */
void oak__groups_order(struct oak__groups *gs);
void oak__groups_free(struct oak__groups *gs);

#endif
