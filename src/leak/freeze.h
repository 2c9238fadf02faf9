/*
 * A frozen copy of the process, and a function run in it.
 *
 * Every thread is stopped for an instant, the process is cloned, and all go on: the pause is the clone, not what is
 * done with it. The clone has one thread and a copy-on-write image of all memory; locks that others held at that
 * moment are held there for ever, so it calls nothing of the C library that might take one.
 *
 * Internal to leak; one at a time (check.c sees to that).
 */
#ifndef OAK_LEAK_FREEZE_H
#define OAK_LEAK_FREEZE_H

#include "leak/image.h"

struct oak__freeze {
    /* Runs in the clone. Exit status: 0 when it did what it should. Results go into memory that is shared. */
    int (*fn)(void *arg);
    void *arg;
    /* Asked while all threads are stopped, before the clone is made: false lets them go on and tries again a little
     * later, some times; then it is cloned anyway. May be NULL. */
    bool (*good_moment)(void *arg);
    /* Called while all threads are stopped, right before the clone is made. May be NULL. */
    void (*last_thing)(void *arg);
    int64_t limit; /* ns; a clone that takes longer is killed */

    /* out */
    int64_t pause;    /* ns that the process stood still at the clone */
    int64_t duration; /* ns until the clone had ended */
    int status;       /* what fn returned */
};

/* 0: fn has run; -EAGAIN (threads that cannot be stopped, no process), -ENOMEM, -EIO (the clone crashed or was
 * killed). Blocks the thread meanwhile. Not entered. */
int oak__freeze_run(struct oak__freeze *f);

/* ---- in the clone ---- */

/* The threads of the process, the one that made the clone included, as tables of an image. 0 or -ENOMEM. */
int oak__freeze_threads(struct oak__image *img, struct oak__scratch *s);
/* Bytes of address space that the process had, without its goroutines' stacks, most of which is never touched. */
size_t oak__freeze_mapped(void);
/* Memory that was there and is not in the clone: MADV_DONTFORK. Then not everything that may be a reference is seen. */
bool oak__freeze_lost_memory(void);
/* From now on a read of a page of img that cannot be read gives zeros. */
void oak__freeze_guard_reads(struct oak__image *img);

#endif
