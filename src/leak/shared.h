/*
 * Shared memory as it was at the stop.
 *
 * A clone has the process's private memory as it was at the moment when all threads stood still; memory that is mapped shared it
 * has in common with the program, which goes on. If the analysis read it there, a reference that moves from shared to private
 * memory between the stop and that look would be seen in neither place, and a goroutine that is alive would be called leaked.
 * (References that move the other way are in the clone.) So what the image shows of shared memory is a copy, made while all
 * threads stand still. What was in no thread's registers, in no private page and in no shared page at that moment, nobody has.
 *
 * The copy is made twice: at first while the program runs, which makes room for it and brings in what is on disk, so that the second
 * one, the one that counts, is as short as it can be. It is made by process_vm_readv(2), and where the mapping may not be read by
 * /proc/self/mem, which say so of a page that cannot be read (a file was cut), while to touch it would be a signal. Such a page
 * holds nothing.
 *
 * Which mappings: all but devices and what the kernel maps by itself (no memory of the program), the check's own, and what is
 * declared to hold no pointers. Also those that this process may only read, since others may write there. Their number and size
 * is the program's; so when they are more than OAK__SHARED_MOST bytes none is copied. And some may be made between the two
 * copies, or a copy fail. What was not copied the clone finds out by its own list of mappings, which is that of the stop. It does not
 * look away then: it supposes that what it has not seen refers to everything (oak__mark_suppose_reached), so that what
 * does not depend on references is proven still: nil channels, lock cycles, owners that have ended. An exception are mappings of files
 * that were opened for reading only: nothing was ever written through them; what is there went by a file, which is a documented limit
 * as it is.
 *
 * Others' writes. Another process may move a reference, too, in shared memory and while this one stands still; but if it is the
 * last one, it is that other process which has it.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_SHARED_H
#define OAK_LEAK_SHARED_H

#include "leak/tables.h"

enum { OAK__SHARED_MOST = 16 << 20 };

/* [lo, hi) of the program. */
struct oak__shared_part {
    uintptr_t lo, hi;
    bool copied;
    char *copy;
};

struct oak__shared {
    struct oak__shared_part *parts; /* sorted, not overlapping */
    size_t n;
    char *copy; /* NULL: there is none */
    size_t size;
    int mem; /* /proc/self/mem; -1: not open */
};

/* Before the stop: makes room, and the first copy. img: this process as it is; ours: memory of the check itself. 0 or -ENOMEM. */
int oak__shared_prepare(struct oak__shared *x, struct oak__image *img, struct oak__scratch *s,
                        const struct oak__span *ours, size_t n);
/* At the stop. Allocates nothing. */
void oak__shared_copy(struct oak__shared *x);
void oak__shared_free(struct oak__shared *x);
/* In the clone: img, which is of the stop, shows the copy. img->unseen: the bytes of which there is none. 0 or -ENOMEM. */
int oak__shared_show(const struct oak__shared *x, struct oak__image *img, struct oak__scratch *s,
                     const struct oak__tables *t, const struct oak__span *ours, size_t n);

#endif
