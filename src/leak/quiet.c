/* Memory without pointers (no_pointers.h), as the analysis looks at it. */
#include "leak/no_pointers.h"
#include "leak/sort.h"
#include "leak/tables.h"

/* In order, those that overlap or touch as one. */
static void tidy(struct oak__tables *t)
{
    size_t n = 0;
    oak__sort(t->quiet, t->nquiet, sizeof *t->quiet);
    for (size_t i = 0; i < t->nquiet; i++)
        if (n && t->quiet[i].lo < t->quiet[n - 1].hi) {
            if (t->quiet[i].hi > t->quiet[n - 1].hi)
                t->quiet[n - 1].hi = t->quiet[i].hi;
        } else {
            t->quiet[n++] = t->quiet[i];
        }
    t->nquiet = n;
}

int oak__quiet_read(const struct oak__image *img, uintptr_t table, struct oak__scratch *s,
                    struct oak__tables *t)
{
    struct oak__no_pointers head;
    t->quiet = NULL;
    t->nquiet = 0;
    if (!table || !image_copy(img, table, &head, sizeof head))
        return 0;
    const struct oak__no_pointers_entry *e = oak__image_at(img, table + sizeof head, head.slots * sizeof *e);
    if (!e)
        return 0;
    t->quiet = oak__scratch_alloc(s, head.slots, sizeof *t->quiet);
    if (!t->quiet)
        return -ENOMEM;
    for (size_t i = 0; i < head.slots; i++) {
        uintptr_t lo = load_relaxed(&e[i].lo);
        if (lo > OAK__NO_POINTERS_GONE)
            t->quiet[t->nquiet++] = (struct oak__span){lo, lo + load_relaxed(&e[i].size)};
    }
    tidy(t);
    return 0;
}

bool oak__quiet_next(const struct oak__tables *t, const struct oak__span *block, uintptr_t *at,
                     struct oak__span *part)
{
    for (size_t i = oak__sorted_ending_above(t->quiet, t->nquiet, sizeof *t->quiet, *at); *at < block->hi;
         i++) {
        const struct oak__span *q = i < t->nquiet ? &t->quiet[i] : NULL;
        if (q && q->lo < block->hi && (q->lo < block->lo || q->hi > block->hi))
            continue;
        *part = (struct oak__span){*at, q && q->lo < block->hi ? q->lo : block->hi};
        *at = q && q->lo < block->hi ? q->hi : block->hi;
        if (part->lo < part->hi)
            return true;
    }
    return false;
}
