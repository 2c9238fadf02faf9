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

enum { OAK__SHAPE_TEXT = 64 };

/* What many goroutines have in common. */
struct oak__leak_shape {
    struct oak__leak_shape *next; /* in its hash slot */
    uint64_t hash;
    struct oak_goroutine_info info; /* only what is common; the names are those below */
    char name[OAK__SHAPE_TEXT], scope_name[OAK__SHAPE_TEXT];
    uint64_t blocked;               /* how many that wait without any deadline */
    const struct oak__place *place; /* where they block, once that has been asked */
    uint8_t rules;                  /* of enum oak_suspect_rule: what makes all of them suspects */
    uint8_t looked_at;              /* verify.c's own */
};

/* Goroutines that block at one place of the program without any deadline: all shapes that have it in common. */
struct oak__place {
    uint64_t key; /* a hash of wait reason, function, file and line */
    uint64_t n, before;
};

struct oak__leak_entry {
    const struct oak__leak_shape *shape;
    uint64_t id, parent;
    uintptr_t g; /* of a leaked one: the descriptor and its wait word, for reclaim.c */
    uint64_t wait;
    const void *scope, *wait_object;
    int64_t wait_since;
    uint64_t retained;
    uint64_t others[OAK__OTHERS];
    uintptr_t object;
    uint32_t nothers, nobjects;
    uint8_t verdict, why, rules;
    bool in_heap, in_context;
    uint8_t reclaim; /* reclaim.c's own */
};

struct oak_leak_report {
    struct oak_leak_report *_Atomic next; /* of all that there are */
    struct oak__scratch memory;           /* this struct lies in it, too */
    int64_t pause, duration, now;
    uint64_t goroutines;
    uint64_t heap_blocks, bytes;
    uint64_t analysis; /* bytes that it took */
    uint64_t dropped, unreadable, unseen;
    bool exact, glibc;
    enum oak__lost lost;
    bool lent;             /* the watch's: its call-back does not free it */
    uint64_t contradicted; /* proven, and yet they went on: not in the report. Always 0, tests look */
    struct oak__leak_entry *entries; /* leaked ones first */
    size_t n, room, nleaked;
    struct oak__leak_shape **shapes; /* hash table */
    size_t nslots, nshapes;
    uint64_t blocked;          /* of all shapes */
    struct oak__place *places; /* made when first asked for */
    size_t nplaces;
    struct oak_leak **made; /* what oak_leak_at has handed out */
    struct oak__why_live *why_live;
    struct oak_leak_block *blocks; /* largest first */
    size_t nblocks;
};

/* Who tells of the goroutines, in order of id; NULL: this process's runtime. */
struct oak__witness {
    int64_t (*each)(bool (*fn)(const struct oak_goroutine_info *g, void *arg), void *arg, void *source);
    void *source;
    int64_t now;
};
/* Fills the report in from what the analysis found and what the witness says. Not entered. 0 or -ENOMEM. */
int oak__report_fill(struct oak_leak_report *r, const struct oak__results *results,
                     const struct oak_leak_opts *opts, const struct oak__witness *witness);
/* A new entry at the end; NULL when memory is out. */
struct oak__leak_entry *oak__report_add(struct oak_leak_report *r);

/* ---- print.c ---- */
/* The entry of goroutine id among n entries in order of id, as the leaked ones are in a report that was filled; NULL. */
struct oak__leak_entry *oak__report_entry(struct oak__leak_entry *e, size_t n, uint64_t id);
/* oak_leak_print under another headline; NULL: the usual. */
int oak__report_print(const oak_leak_report *r, FILE *f, const char *head);

void oak__entry_to_info(const struct oak__leak_entry *e, struct oak_goroutine_info *out);
/* All entries, in groups of those that are alike (inspect/group.h); each one's user is its first entry. 0 or -ENOMEM. */
struct oak__groups;
int oak__report_group(const oak_leak_report *r, struct oak__groups *gs);

/* ---- pprof.c ---- */
/* The leaked ones as a profile; *file is the caller's (oak__pb_free). code: of the process that r is of; NULL: this one.
 * 0 or -ENOMEM. */
struct oak__pprof_code;
struct oak__pb;
int oak__leak_profile(const oak_leak_report *r, const struct oak__pprof_code *code, struct oak__pb *file);
/* Writes it to fd. 0, -ENOMEM or what writing failed with. */
int oak__leak_pprof(const oak_leak_report *r, const struct oak__pprof_code *code, int fd);

/* ---- check.c ---- */
/* oak_leak_check; why_live: an id, or 0. */
int oak__leak_check(const struct oak_leak_opts *opts, uint64_t why_live, oak_leak_report **out);
/* Between the two the caller's context does not end its waits. Not entered. */
struct oak_ctx *oak__leak_mask(void);
void oak__leak_unmask(struct oak_ctx *masked);

/* ---- report_memory.c ---- */
/* A new report, all zero, with room for about so many goroutines; NULL when memory is out. */
struct oak_leak_report *oak__report_new(uint64_t goroutines);
/* Whether there is such a report: r may be NULL, freed, anything. */
bool oak__report_ok(const oak_leak_report *r);
void oak__report_drop(oak_leak_report *r);
/* Calls fn with the memory of each report there is. In a clone; takes no lock. */
void oak__report_memory_each(void (*fn)(struct oak__span span, void *arg), void *arg);

/* ---- shape.c ---- */
struct oak__leak_shape *oak__shape_of(struct oak_leak_report *r, const struct oak_goroutine_info *g);
/* Calls fn with each until it returns false, which is then the result. */
bool oak__shapes_each(const struct oak_leak_report *r, bool (*fn)(struct oak__leak_shape *s, void *arg),
                      void *arg);
void oak__shape_to_info(const struct oak__leak_shape *s, struct oak_goroutine_info *out);

/* ---- suspect.c ---- */
/* It waits, and neither a timer nor the kernel will end that. */
bool oak__waits_without_limit(const struct oak_goroutine_info *g);
/* Applies the rules that count goroutines at one place: shapes' places and rules. True: some shape has a rule. */
int oak__suspect_places(struct oak_leak_report *r, const struct oak_leak_opts *opts, bool *some);

/* ---- why.c ---- */
void oak__why_text(const struct oak__leak_entry *e, int64_t now, char *buf, size_t size);
/* "channel", "mutex": what is waited for with that reason. */
const char *oak__why_object(enum oak_wait_reason reason);

/* ---- why_live.c ---- */
/* What is known of a goroutine that stands in a chain. */
struct oak__who {
    enum oak_state state;
    enum oak_wait_reason reason;
    bool known, has_deadline;
    char name[OAK__SHAPE_TEXT];
};
struct oak__why_live {
    uint64_t id; /* that was asked for */
    struct oak__chain chain;
    struct oak__who who[OAK__MOST_STEPS]; /* of each step that has a goroutine */
    struct oak__who asked;
};
/* After oak__report_fill, of a check with subject.why_live: r->why_live. Not entered. 0, -ESRCH (no such goroutine), -ENOMEM. */
int oak__why_live_fill(struct oak_leak_report *r, const struct oak__results *results, uint64_t id,
                       const struct oak__witness *witness);
/* The entry of that goroutine among the leaked ones, or NULL. */
const struct oak__leak_entry *oak__why_live_leaked(const struct oak_leak_report *r);

/* ---- blocks.c ---- */
/* Takes the blocks that keep much over. 0 or -ENOMEM. */
int oak__blocks_fill(struct oak_leak_report *r, const struct oak__results *results);
/* Those of a group's members, in lines; on a deep stack. gr: one of gs, described. */
struct oak__out;
struct oak__group;
void oak__blocks_print(const struct oak_leak_report *r, const struct oak__groups *gs,
                       const struct oak__group *gr, struct oak__out *o);
/* "3 bytes", "1.5 KiB", "2.0 MiB". */
void oak__print_bytes(struct oak__out *o, uint64_t n);

/* ---- chain_text.c ---- */
/* Step i in words; on a deep stack. Returns buf. */
const char *oak__step_text(const struct oak__why_live *w, size_t i, char *buf, size_t size);
/* The whole answer. 0 or what writing failed with. */
int oak__why_live_print(const struct oak_leak_report *r, FILE *f);

#endif
