/*
 * The self-check of the heap walk: blocks of known bounds, allocated the ordinary way just before, that the walk must
 * find exactly. One from the calling thread, one from a thread of its own (an arena of its own, where malloc makes such),
 * one so large that malloc maps it by itself.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_PLANTS_H
#define OAK_LEAK_PLANTS_H

#include "leak/analysis.h"

struct oak__plants {
    void *at[OAK__PLANTS];
    size_t usable[OAK__PLANTS];
};

void oak__plants_sow(struct oak__plants *p);
void oak__plants_pull(struct oak__plants *p);
/* For the analysis: allocates nothing. */
void oak__plants_list(const struct oak__plants *p, struct oak__plant out[OAK__PLANTS]);

#endif
