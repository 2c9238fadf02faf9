/*
 * The lines of a report's entries. One entry is a head, where it is blocked, who created it, which ones:
 *
 *     3 goroutines waiting (chan send), oldest 12.3 s
 *         blocked in oak_send at producer (pipeline.c:12)
 *           from fill (pipeline.c:20)
 *         created by app (pipeline.c:30)
 *         goroutines 7, 9, 12
 *
 * Internal: inspect and leak may include it.
 */
#ifndef OAK_INSPECT_PRINT_H
#define OAK_INSPECT_PRINT_H

#include "inspect/group.h"
#include "inspect/out.h"

struct oak__style {
    const char *indent; /* before each line of the entry */
    int64_t now;        /* oak_now(), for ages */
    bool plain;         /* only what needs no memory, no lock and little stack: no libdw */
    bool full;          /* one goroutine's entry: with the id of its creator */
    bool inside; /* with the runtime's frames above the user's first: a fault may be the runtime's own */
};

/* "3 goroutines waiting (chan send), oldest 12.3 s": no indent, no newline, the caller may go on. */
void oak__print_group(struct oak__out *o, const struct oak__style *st, const struct oak__group *gr);
/* "goroutine 7 "name" waiting (chan send) for 12.3 s on 0x55..., in scope "requests"": likewise. */
void oak__print_goroutine(struct oak__out *o, const struct oak__style *st,
                          const struct oak_goroutine_info *g);

/* Whole lines, indented by four more. Unless plain they symbolize: call them on a deep stack
 * (inspect/symbol.h). */
void oak__print_stack(struct oak__out *o, const struct oak__style *st, const struct oak_goroutine_info *g);
void oak__print_creator(struct oak__out *o, const struct oak__style *st, const struct oak_goroutine_info *g);
/* What a function of the runtime is called by those who write it ("oak_send"); NULL: nobody does. */
const char *oak__print_public_name(const char *function);
/* Of a function that OAK_TASK has made, its task's name is left. */
void oak__print_strip_entry(char *function);
/* "goroutines 7, 9, 12 and 40 more". */
void oak__print_ids(struct oak__out *o, const struct oak__style *st, const struct oak__group *gr);
/*
 * Puts all groups into words, joins those that read alike, and sorts them as oak__groups_sort: gs->sorted[0
 * .. gs->n). Nothing may be added afterwards. On a deep stack. 0 or -ENOMEM.
 */
int oak__groups_describe(struct oak__groups *gs, const struct oak__style *st);
/* Stack, creator and, for a group, ids. */
void oak__print_entry(struct oak__out *o, const struct oak__style *st, const struct oak_goroutine_info *g,
                      const struct oak__group *gr);

#endif
