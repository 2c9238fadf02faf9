/*
 * The image of this process: either while it runs (only what stands still may be asked of it) or, in a clone
 * made by snapshot.c, frozen.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_OWN_H
#define OAK_LEAK_OWN_H

#include "leak/image.h"

struct oak__own {
    struct oak__image img; /* no threads: whoever stopped them knows */
    size_t page;           /* bytes */
    int pagemap;           /* descriptor; -1: what is there cannot be asked, all readable memory counts */
    bool scan_ioctl;       /* PAGEMAP_SCAN works (Linux 6.7) */
    bool frozen;           /* memory without access may be opened: it is a copy */
};

/* 0, -ENOMEM, or -errno when /proc/self/maps cannot be read. */
int oak__own_open(struct oak__own *o, struct oak__scratch *s, bool frozen);
void oak__own_close(struct oak__own *o);

#endif
