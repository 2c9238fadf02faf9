/*
 * Profiles as pprof reads them (github.com/google/pprof/proto/profile.proto): samples with stacks of functions, files and
 * lines.
 *
 * Begin, then sample by sample, then end. Stacks are symbolized here, so on a deep stack (inspect/symbol.h). Memory that is
 * out is told at the end.
 *
 * Internal: inspect, leak and export may include it.
 */
#ifndef OAK_INSPECT_PPROF_H
#define OAK_INSPECT_PPROF_H

#include "base/protobuf.h"
#include "inspect/maps.h"

/* 64-bit keys, numbered from 1 in the order in which they were first met. */
struct oak__pprof_ids {
    uint64_t *keys, *ids; /* hash table; a key of 0 is an empty slot */
    size_t slots, n;
};

struct oak__pprof {
    struct oak__pb out;
    struct oak__pprof_ids locations, functions, texts; /* by pc, by name and file, by hash of the text */
    char **text;                                       /* what the ids of texts mean, from 1 */
    size_t ntexts, texts_room;
    struct oak__map *maps; /* of code */
    size_t nmaps, maps_room;
    bool failed;
};

struct oak__pprof_type {
    const char *type, *unit;
};

/* A text (str) or a number with its unit. */
struct oak__pprof_label {
    const char *key, *str;
    int64_t number;
    const char *unit;
};

/* Where code is mapped: calls fn for each mapping; NULL: this process's. */
struct oak__pprof_code {
    int (*each)(bool (*fn)(const struct oak__map *m, void *arg), void *arg, void *source);
    void *source;
};

/* The values of each sample, n of them; what the profile counts, every period of it. */
void oak__pprof_begin(struct oak__pprof *p, const struct oak__pprof_type *types, size_t n,
                      const struct oak__pprof_type *period_type, int64_t period,
                      const struct oak__pprof_code *code);
/* pcs: return addresses, innermost first; labels without text and with number 0 are left out. */
void oak__pprof_sample(struct oak__pprof *p, const void *const *pcs, size_t npcs, const int64_t *values,
                       size_t nvalues, const struct oak__pprof_label *labels, size_t nlabels);
/* Ends it, and gives it out as a gzip file: *file is the caller's (oak__pb_free). time: wall clock, ns since 1970; duration:
 * ns, or 0. Frees all else. 0 or -ENOMEM. */
int oak__pprof_end(struct oak__pprof *p, int64_t time, int64_t duration, struct oak__pb *file);

#endif
