#include "leak/analysis.h"

#include "base/os.h"
#include "leak/findings.h"
#include "leak/roots.h"
#include "leak/sort.h"

/* A walk that does not find what was just allocated is not trusted with anything. */
static bool finds_plants(const struct oak__subject *s, const struct oak__heap *h)
{
    for (int i = 0; i < OAK__PLANTS; i++) {
        struct oak__block b;
        const struct oak__plant *p = &s->plants[i];
        if (p->at &&
            !(oak__heap_block(h, p->at, &b) && b.lo == p->at && b.hi - b.lo == p->size && !block_marked(&b)))
            return false;
    }
    return true;
}

/* A large block is found only when malloc's own count allows it; without that, the rest still holds. */
static bool finds_small_plants(const struct oak__subject *s, const struct oak__heap *h)
{
    struct oak__subject small = *s;
    for (int i = 0; i < OAK__PLANTS; i++)
        if (small.plants[i].size >= 1 << 20)
            small.plants[i].at = 0;
    return finds_plants(&small, h);
}

/* They are not the program's, and one is larger than many a heap. */
static void leave_out_plants(const struct oak__subject *s, struct oak__heap *h)
{
    for (int i = 0; i < OAK__PLANTS; i++) {
        struct oak__block b;
        if (s->plants[i].at && oak__heap_block(h, s->plants[i].at, &b)) {
            h->blocks--;
            h->bytes -= b.next - b.lo;
        }
    }
}

/* Where no block of malloc's is, whatever it looks like there. */
static int note_runtime(struct oak__subject *s)
{
    const struct oak__tables *t = s->tables;
    struct oak__span *spans = oak__scratch_alloc(s->scratch, t->nstacks + t->nskip + 1, sizeof *spans);
    if (!spans)
        return -ENOMEM;
    size_t n = t->nskip;
    if (n)
        memcpy(spans, t->skip, n * sizeof *spans);
    for (size_t i = 0; i < t->nstacks; i++)
        spans[n++] = (struct oak__span){t->stacks[i].lo, t->stacks[i].hi};
    s->img->runtime = spans;
    s->img->nruntime = oak__spans_tidy(spans, n);
    return 0;
}

static int find_heap(struct oak__subject *s, struct oak__heap *h, struct oak__results *r)
{
    struct oak__arenas arenas;
    oak__arenas_find(s->img, &arenas);
    int err = oak__heap_walk(s->img, &arenas, s->scratch, h);
    if (err)
        return err;
    oak__heap_find_free(s->img, &arenas, h);
    r->glibc = arenas.bins && finds_small_plants(s, h);
    r->exact = r->glibc && h->large_known && !h->refused && !h->busy && finds_plants(s, h);
    if (!r->glibc)
        h->nsegments = h->nlarge = h->nbooks = 0;
    else
        leave_out_plants(s, h);
    r->blocks = h->blocks;
    r->bytes = h->bytes;
    return 0;
}

int oak__analyse(struct oak__subject *s, struct oak__results *r)
{
    struct oak__heap heap;
    struct oak__world world;
    struct oak__mark mark;
    struct oak__trace trace;
    int64_t t0 = oak__os_now();
    int err = note_runtime(s);
    if (!err)
        err = find_heap(s, &heap, r);
    if (!err)
        err = oak__decode(s->img, s->tables, s->scratch, &world);
    if (!err)
        err = oak__mark_init(&mark, s->img, &heap, s->tables, &world, s->scratch);
    if (!err && s->why_live)
        err = oak__mark_trace(&mark, &trace);
    if (err)
        return err;
    int64_t t1 = oak__os_now();
    oak__mark_begin(&mark);
    if (s->img->unseen && !s->why_live)
        oak__mark_suppose_reached(&mark);
    err = oak__mark_roots(&mark);
    if (err)
        return err;
    oak__mark_all(&mark);
    if (s->why_live) { /* a chain is made of what was seen; what is supposed comes after it */
        oak__chain_find(&mark, s->why_live, &r->chain);
        mark.trace = NULL;
        if (s->img->unseen) {
            oak__mark_suppose_reached(&mark);
            oak__mark_finish(&mark);
        }
    }
    int64_t t2 = oak__os_now();
    err = oak__findings(&mark, r);
    r->walk = t1 - t0;
    r->mark = t2 - t1;
    r->rest = oak__os_now() - t2;
    return err;
}
