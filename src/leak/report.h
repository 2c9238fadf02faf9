/*
 * What a check gives its caller.
 *
 * There may be a million leaked goroutines, so an entry is small: what many have in common (stack, creator, names) is
 * kept once, and the public record is made when it is asked for.
 *
 * A report names what leaked goroutines wait for, by address. In the program's heap that would be a reference, and the
 * next check would prove nothing; so a report has memory of its own, which checks leave out.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_REPORT_H
#define OAK_LEAK_REPORT_H

#include "leak/analysis.h"

#include <oakum/leak.h>

struct oak__leak_shape; /* what many goroutines have in common */

struct oak__leak_entry {
    const struct oak__leak_shape *shape;
    uint64_t id, parent;
    const void *scope, *wait_object;
    int64_t wait_since;
    uint64_t retained;
    uint64_t others[OAK__OTHERS];
    uintptr_t object;
    uint32_t nothers, nobjects;
    uint8_t verdict, why;
    bool in_heap, in_context;
};

struct oak_leak_report {
    struct oak_leak_report *next; /* of all that there are */
    struct oak__scratch memory;   /* this struct lies in it, too */
    int64_t pause, duration, now;
    uint64_t goroutines;
    uint64_t blocks, bytes;
    uint64_t dropped;
    bool exact, glibc, lost_memory;
    uint64_t contradicted; /* proven, and yet they went on: not in the report. Always 0, tests look */
    struct oak__leak_entry *entries; /* leaked ones first */
    size_t n, room, nleaked;
    struct oak__leak_shape **shapes; /* hash table */
    size_t nslots, nshapes;
    struct oak_leak **made; /* what oak_leak_at has handed out */
};

/* Fills the report in from what the clone found and what the runtime says now. Not entered. 0 or -ENOMEM. */
int oak__report_fill(struct oak_leak_report *r, const struct oak__results *results, int64_t suspect_after);

/* ---- check.c ---- */
/* Between the two the caller's context does not end its waits. Not entered. */
struct oak_ctx *oak__leak_mask(void);
void oak__leak_unmask(struct oak_ctx *masked);

/* ---- report_memory.c ---- */
/* A new report, all zero; NULL when memory is out. */
struct oak_leak_report *oak__report_new(void);
/* Calls fn with the memory of each report there is. In a clone; takes no lock. */
void oak__report_memory_each(void (*fn)(struct oak__span span, void *arg), void *arg);

/* ---- shape.c ---- */
const struct oak__leak_shape *oak__shape_of(struct oak_leak_report *r, const struct oak_goroutine_info *g);
void oak__shape_to_info(const struct oak__leak_shape *s, struct oak_goroutine_info *out);

/* ---- why.c ---- */
void oak__why_text(const struct oak__leak_entry *e, int64_t now, char *buf, size_t size);

#endif
