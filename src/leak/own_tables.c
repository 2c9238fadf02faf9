/*
 * The runtime's memory in this process. All of it is left out of the roots but the tables of types that the
 * analysis does not know: what those refer to counts.
 */
#include "inspect/symbol.h"
#include "leak/debug_root.h"
#include "leak/no_pointers.h"
#include "leak/report.h"
#include "leak/stop.h"
#include "leak/stop_signal.h"
#include "leak/tables.h"
#include "sched/m.h"
#include "scope/ctx_after.h"
#include "scope/scope.h"
#include "stack/away.h"
#include "sync/reads.h"

enum { MOST_SKIPPED = 1 << 16 };

struct filling {
    struct oak__tables *t;
    struct oak__scratch *scratch;
    bool failed;
};

static void fill_table(struct filling *f, struct oak__table *out, const struct oak__slab *s)
{
    uint32_t n = load_acquire(&s->nchunks);
    out->object_size = s->object_size;
    out->nchunks = n;
    out->chunks = oak__scratch_alloc(f->scratch, n, sizeof *out->chunks);
    if (n && !out->chunks) {
        f->failed = true;
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        out->chunks[i] = (struct oak__chunk){(uintptr_t)s->chunks[i].base, s->chunks[i].objects};
}

static void skip(struct oak__tables *t, const void *lo, const void *hi)
{
    if (t->nskip < MOST_SKIPPED && lo < hi)
        t->skip[t->nskip++] = (struct oak__span){(uintptr_t)lo, (uintptr_t)hi};
}

/* What was never used of a region need not be looked at where the kernel does not say which pages hold something. */
static bool add_stacks(const struct oak__stack_region_info *r, void *arg)
{
    struct oak__tables *t = arg;
    skip(t, r->hi, r->end);
    t->stacks[t->nstacks++] =
        (struct oak__stack_region){(uintptr_t)r->lo, (uintptr_t)r->hi, r->slot, (uintptr_t)r->away};
    return t->nstacks < OAK__MOST_STACK_REGIONS;
}

static bool is_known(const struct oak__slab *s)
{
    return s == &oak__g_slab || s == &oak__m_slab || s == &oak__ctx_slab || s == &oak__after_slab ||
           s == &oak__reads_slab || oak__kept_is_table(s);
}

/* The books of each table are no references; a region that is a chunk of a type not known here stays a root. */
static bool add_table(struct oak__slab *s, void *arg)
{
    struct oak__tables *t = arg;
    skip(t, s, s + 1);
    uint32_t n = is_known(s) ? 0 : load_acquire(&s->nchunks);
    for (uint32_t c = 0; c < n; c++)
        for (size_t i = 0; i < t->nskip; i++)
            if (t->skip[i].lo == (uintptr_t)s->chunks[c].base - OAK__SLAB_HEAD)
                t->skip[i] = t->skip[--t->nskip];
    return true;
}

static bool add_region(const void *lo, const void *hi, void *arg)
{
    skip(arg, lo, hi);
    return true;
}

static void add_span(struct oak__span span, void *arg)
{
    skip(arg, (const void *)span.lo, (const void *)span.hi);
}

int oak__own_tables(struct oak__tables *t, const struct oak__image *img, struct oak__scratch *s,
                    const struct oak__span *more, size_t n)
{
    *t = (struct oak__tables){.nstacks = 0};
    struct filling f = {.t = t, .scratch = s};
    t->skip = oak__scratch_alloc(s, MOST_SKIPPED, sizeof *t->skip);
    if (!t->skip)
        return -ENOMEM;
    t->scopes = (uintptr_t)oak__scope_roots();
    t->stop_return = OAK__STOP_RETURN;
    oak__stack_regions(add_stacks, t);
    oak__runtime_regions(add_region, t);
    oak__slabs_each(add_table, t);
    const void *lo, *hi;
    oak__runtime_books(&lo, &hi);
    skip(t, lo, hi);
    oak__dwarf_books(&lo, &hi);
    skip(t, lo, hi);
    skip(t, &oak__debug_root, &oak__debug_root + 1);
    oak__report_memory_each(add_span, t);
    for (size_t i = 0; i < n; i++)
        add_span(more[i], t);
    add_span(oak__stop_memory(), t);
    add_span(oak__stop_books(), t);
    fill_table(&f, &t->g, &oak__g_slab);
    fill_table(&f, &t->m, &oak__m_slab);
    fill_table(&f, &t->ctx, &oak__ctx_slab);
    fill_table(&f, &t->after, &oak__after_slab);
    fill_table(&f, &t->reads, &oak__reads_slab);
    return f.failed ? -ENOMEM : oak__quiet_read(img, (uintptr_t)load_acquire(&oak__no_pointers), s, t);
}
