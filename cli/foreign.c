#include "foreign.h"
#include "command.h"

#include "leak/sort.h"
#include "sched/m.h"

#include <oakum/version.h>

#include <stdio.h>
#include <stdlib.h>

/* Registers are no memory of the process: they get addresses of their own, where no process has any. */
#define REGISTERS_AT ((uintptr_t)0xff00000000000000)
enum { MOST_SKIPPED = 1 << 16 };

int foreign_no_memory(const struct foreign *f)
{
    return leaks_fail(EXIT_TROUBLE, "out of memory", f->name,
                      "the tool needs as much as the process has written to, and a tenth more");
}

int foreign_lacks(const struct foreign *f)
{
    return leaks_fail(
        LEAKS_NOTHING_PROVABLE, "nothing can be proven, memory lacks", f->name,
        f->core ? "let the kernel write the core file, not a debugger, with 0x33 in /proc/PID/coredump_filter"
                : "it shares more than 64 MiB with other processes, which may hold references");
}

/* Room for one more of n; false: none. */
static bool grow(void **at, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return true;
    size_t more = *room ? 2 * *room : 64;
    void *p = realloc(*at, more * size);
    if (!p)
        return false;
    *at = p;
    *room = more;
    return true;
}

bool foreign_add_map(struct foreign *f, const struct foreign_map *m)
{
    if (!grow((void **)&f->maps, f->nmaps, &f->maps_room, sizeof *f->maps))
        return false;
    f->maps[f->nmaps++] = *m;
    return true;
}

bool foreign_add_span(struct oak__span **list, size_t *n, size_t *room, uintptr_t lo, uintptr_t hi)
{
    if (*n && (*list)[*n - 1].hi == lo) {
        (*list)[*n - 1].hi = hi;
        return true;
    }
    if (!grow((void **)list, *n, room, sizeof **list))
        return false;
    (*list)[(*n)++] = (struct oak__span){lo, hi};
    return true;
}

bool foreign_add_present(struct foreign *f, uintptr_t lo, uintptr_t hi)
{
    return foreign_add_span(&f->present, &f->npresent, &f->present_room, lo, hi);
}

static int by_begin(const void *pa, const void *pb)
{
    const struct oak__span *a = pa, *b = pb;
    return a->lo < b->lo ? -1 : a->lo > b->lo;
}

void foreign_sort_present(struct foreign *f)
{
    if (f->npresent)
        qsort(f->present, f->npresent, sizeof *f->present, by_begin);
}

/* Each by itself: what one is part of, its neighbour may not be. */
bool foreign_add_refused(struct foreign *f, uintptr_t lo, uintptr_t hi)
{
    if (!grow((void **)&f->refused, f->nrefused, &f->refused_room, sizeof *f->refused))
        return false;
    f->refused[f->nrefused++] = (struct oak__span){lo, hi};
    return true;
}

struct foreign_map *foreign_map_of(const struct foreign *f, uintptr_t a)
{
    const size_t i = oak__sorted_ending_above(f->maps, f->nmaps, sizeof *f->maps, a);
    return i < f->nmaps && f->maps[i].lo <= a ? &f->maps[i] : NULL;
}

size_t foreign_present_from(const struct foreign *f, uintptr_t a)
{
    return oak__sorted_ending_above(f->present, f->npresent, sizeof *f->present, a);
}

bool foreign_add_thread(struct foreign *f, pid_t tid, uintptr_t sp)
{
    if (!grow((void **)&f->threads, f->nthreads, &f->threads_room, sizeof *f->threads))
        return false;
    const uintptr_t at = REGISTERS_AT + f->nregisters;
    f->threads[f->nthreads++] = (struct oak__thread){.tid = tid, .sp = sp, .regs = {at, at}};
    return true;
}

bool foreign_add_registers(struct foreign *f, const void *at, size_t size)
{
    size = round_up(size, (size_t)8);
    while (f->nregisters + size > f->registers_room)
        if (!grow((void **)&f->registers, f->registers_room, &f->registers_room, 1))
            return false;
    memcpy(f->registers + f->nregisters, at, size);
    f->nregisters += size;
    f->threads[f->nthreads - 1].regs.hi = REGISTERS_AT + f->nregisters;
    return true;
}

/* ---- the image ---- */

static void present_pages(struct oak__image *img, const struct oak__mapping *m, uintptr_t lo, uintptr_t hi,
                          void (*fn)(void *arg, uintptr_t lo, uintptr_t hi), void *arg)
{
    const struct foreign *f = img->source;
    (void)m;
    for (size_t i = foreign_present_from(f, lo); i < f->npresent && f->present[i].lo < hi; i++) {
        uintptr_t a = f->present[i].lo < lo ? lo : f->present[i].lo;
        uintptr_t b = f->present[i].hi > hi ? hi : f->present[i].hi;
        if (a < b)
            fn(arg, a, b);
    }
}

static bool code_at(struct oak__image *img, uintptr_t a, void *out, size_t size)
{
    char text[32];
    if (size >= sizeof text || !foreign_text(img->source, a, text, size + 1))
        return false;
    memcpy(out, text, size);
    return true;
}

static int make_image(struct foreign *f)
{
    struct oak__image *img = &f->img;
    if (oak__scratch_init(&f->scratch, OAK__SCRATCH_LARGE))
        return EXIT_TROUBLE;
    img->maps = oak__scratch_alloc(&f->scratch, f->nmaps + 1, sizeof *img->maps);
    if (!img->maps)
        return EXIT_TROUBLE;
    for (size_t i = 0; i < f->nmaps; i++)
        img->maps[img->nmaps++] =
            (struct oak__mapping){f->maps[i].lo, f->maps[i].hi, f->maps[i].local,
                                  f->maps[i].flags | (f->maps[i].executable ? OAK__MAP_CODE : 0)};
    img->maps[img->nmaps++] = (struct oak__mapping){REGISTERS_AT, REGISTERS_AT + f->nregisters + 1,
                                                    f->registers, OAK__MAP_READ | OAK__MAP_KERNEL};
    img->threads = f->threads;
    img->nthreads = f->nthreads;
    img->pages = present_pages;
    img->code = code_at;
    img->kept = f->kernel.words;
    img->nkept = f->kernel.nwords;
    img->source = f;
    return 0;
}

/* ---- the runtime's books ---- */

struct search {
    struct foreign *f;
    bool found;
};

static void search(void *arg, uintptr_t lo, uintptr_t hi)
{
    struct search *s = arg;
    struct oak__debug_root *r = &s->f->root;
    for (uintptr_t a = round_up(lo, (uintptr_t)8); !s->found && a + sizeof *r <= hi; a += 8)
        if (memcmp(oak__image_at(&s->f->img, a, sizeof r->magic), OAK__DEBUG_MAGIC, sizeof r->magic) == 0)
            s->found = image_copy(&s->f->img, a, r, sizeof *r) && (uintptr_t)r->self == a;
}

/* The record lies in a program's or a library's initialised data. */
static bool find_root(struct foreign *f)
{
    struct search s = {.f = f};
    for (size_t i = 0; i < f->img.nmaps && !s.found; i++) {
        const struct oak__mapping *m = &f->img.maps[i];
        if (m->flags & OAK__MAP_FILE && m->local)
            present_pages(&f->img, m, m->lo, m->hi, search, &s);
    }
    return s.found;
}

static int check_version(const struct foreign *f)
{
    char where[256];
    if (f->root.size == sizeof f->root &&
        strncmp(f->root.version, oak_version(), sizeof f->root.version) == 0 &&
        strncmp(f->root.identity, oak__debug_identity, sizeof f->root.identity) == 0)
        return 0;
    /* The head of the record is the same in all versions. */
    bool has_identity = f->root.size == sizeof f->root;
    snprintf(where, sizeof where, "%.100s (version %.20s, build %.*s; this tool knows version %s, build %s)",
             f->name, f->root.version, has_identity ? (int)sizeof f->root.identity : 7,
             has_identity ? f->root.identity : "unknown", oak_version(), oak__debug_identity);
    return leaks_fail(LEAKS_OTHER_VERSION, "it runs with another build of the library", where,
                      "use the oakum that came with that library");
}

static void skip(struct oak__tables *t, uintptr_t lo, uintptr_t hi)
{
    if (t->nskip < MOST_SKIPPED && lo < hi)
        t->skip[t->nskip++] = (struct oak__span){lo, hi};
}

/* A chunk of a table, as slab.c notes it. */
struct chunk_note {
    uintptr_t base;
    size_t objects;
};

static bool read_slab(struct foreign *f, uintptr_t at, struct oak__table *out)
{
    struct oak__slab s;
    if (!image_copy(&f->img, at, &s, sizeof s))
        return false;
    uint32_t n = load_relaxed(&s.nchunks);
    if (n > OAK__SLAB_MAX_CHUNKS)
        return false;
    out->object_size = s.object_size;
    out->nchunks = n;
    out->chunks = oak__scratch_alloc(&f->scratch, n + 1, sizeof *out->chunks);
    for (uint32_t i = 0; out->chunks && i < n; i++) {
        struct chunk_note c;
        if (!image_copy(&f->img, (uintptr_t)s.chunks + i * sizeof c, &c, sizeof c))
            return false;
        const uintptr_t end = c.base + c.objects * s.object_size;
        if (!s.object_size || c.objects > (UINTPTR_MAX - c.base) / s.object_size ||
            (c.objects && (!oak__image_mapping(&f->img, c.base) || !oak__image_mapping(&f->img, end - 1))))
            return false;
        out->chunks[i] = (struct oak__chunk){c.base, c.objects};
    }
    return out->chunks != NULL;
}

static bool is_known(const struct foreign *f, uintptr_t slab)
{
    for (int i = 0; i < OAK__DEBUG_SLABS; i++)
        if ((uintptr_t)f->root.slabs[i] == slab)
            return true;
    return slab >= (uintptr_t)f->root.kept_lo && slab < (uintptr_t)f->root.kept_hi;
}

/* A region that is a chunk of a type not known here stays a root. */
static bool keep_unknown(struct foreign *f, uintptr_t slab)
{
    struct oak__table t;
    if (is_known(f, slab))
        return true;
    if (!read_slab(f, slab, &t))
        return false;
    for (size_t c = 0; c < t.nchunks; c++)
        for (size_t i = 0; i < f->tables.nskip; i++)
            if (f->tables.skip[i].lo == t.chunks[c].base - OAK__SLAB_HEAD)
                f->tables.skip[i] = f->tables.skip[--f->tables.nskip];
    return true;
}

static bool read_regions(struct foreign *f)
{
    const struct oak__slab_books *b = &f->root.slab_books;
    uint32_t n = 0;
    image_copy(&f->img, (uintptr_t)b->count, &n, sizeof n);
    for (uint32_t i = 0; i < n && i < MOST_SKIPPED; i++) {
        uintptr_t span[2];
        if (!image_copy(&f->img, (uintptr_t)b->regions + i * sizeof span, span, sizeof span))
            return false;
        skip(&f->tables, span[0], span[1]);
    }
    skip(&f->tables, (uintptr_t)b->lo, (uintptr_t)b->hi);
    skip(&f->tables, (uintptr_t)f->root.names_lo, (uintptr_t)f->root.names_hi);
    skip(&f->tables, (uintptr_t)f->root.self, (uintptr_t)f->root.self + sizeof f->root);
    uintptr_t slab = image_word(&f->img, (uintptr_t)b->first);
    for (int i = 0; slab && i < 4096; i++) {
        skip(&f->tables, slab, slab + sizeof(struct oak__slab));
        if (!keep_unknown(f, slab))
            return false;
        slab = image_word(&f->img, slab + offsetof(struct oak__slab, next));
    }
    return true;
}

static void read_stacks(struct foreign *f)
{
    const struct oak__stack_books *b = &f->root.stack_books;
    for (uint32_t i = 0; i < b->n && f->tables.nstacks < OAK__MOST_STACK_REGIONS; i++) {
        const uintptr_t c = (uintptr_t)b->classes + (uintptr_t)i * b->size;
        uintptr_t base = image_word(&f->img, c + b->base), slot = image_word(&f->img, c + b->slot);
        uint32_t used = (uint32_t)image_word(&f->img, c + b->used);
        if (base && used)
            f->tables.stacks[f->tables.nstacks++] =
                (struct oak__stack_region){base, base + slot * used, slot, image_word(&f->img, c + b->away)};
    }
}

static bool read_tables(struct foreign *f)
{
    struct oak__tables *t = &f->tables;
    struct oak__table *const out[OAK__DEBUG_SLABS] = {&t->g, &t->m, &t->ctx, &t->after, &t->reads};
    t->skip = oak__scratch_alloc(&f->scratch, MOST_SKIPPED, sizeof *t->skip);
    t->scopes = (uintptr_t)f->root.scopes;
    t->stop_return = f->root.stop_return;
    if (!t->skip || !read_regions(f))
        return false;
    read_stacks(f);
    for (int i = 0; i < OAK__DEBUG_SLABS; i++)
        if (!read_slab(f, (uintptr_t)f->root.slabs[i], out[i]))
            return false;
    return oak__quiet_read(&f->img, image_word(&f->img, (uintptr_t)f->root.no_pointers), &f->scratch, t) == 0;
}

/* A guard of a stack has a mark in the page table that looks like a page that was written to. */
static bool is_on_stacks(const struct foreign *f, const struct oak__span *s)
{
    size_t region, slot;
    struct oak__span bounds;
    return !f->core && oak__stack_slot(&f->tables, s->lo, &region, &slot, &bounds) && s->hi <= bounds.hi;
}

/* Reserved for stacks, and never used. */
static bool is_for_stacks(const struct foreign *f, const struct oak__span *s)
{
    const struct oak__stack_books *b = &f->root.stack_books;
    for (uint32_t i = 0; i < b->n; i++) {
        const uintptr_t c = (uintptr_t)b->classes + (uintptr_t)i * b->size;
        uintptr_t base = image_word(&f->img, c + b->base), slot = image_word(&f->img, c + b->slot);
        uint32_t used = (uint32_t)image_word(&f->img, c + b->used),
                 slots = (uint32_t)image_word(&f->img, c + b->slots);
        if (s->lo >= base + slot * used && s->hi <= base + slot * slots)
            return true;
    }
    return false;
}

/* The runtime's own memory has no references that count. */
static bool is_skipped(const struct foreign *f, const struct oak__span *s)
{
    for (size_t i = 0; i < f->tables.nskip; i++)
        if (s->lo >= f->tables.skip[i].lo && s->hi <= f->tables.skip[i].hi)
            return true;
    return false;
}

/* A mapping of a file that is shorter: a tracer may read every page that is there. */
static bool is_past_a_file(const struct foreign *f, const struct oak__span *s)
{
    const struct foreign_map *m = f->core ? NULL : foreign_map_of(f, s->lo);
    return m && m->flags & OAK__MAP_SHARED && m->flags & OAK__MAP_FILE;
}

static void judge_refused(struct foreign *f)
{
    for (size_t i = 0; i < f->nrefused; i++)
        f->lacks = f->lacks || !(is_on_stacks(f, &f->refused[i]) || is_for_stacks(f, &f->refused[i]) ||
                                 is_skipped(f, &f->refused[i]) || is_past_a_file(f, &f->refused[i]));
}

/* Where the record of the books should be, the core file has nothing. */
static bool data_lack(const struct foreign *f)
{
    for (size_t i = 0; i < f->nrefused; i++) {
        const struct foreign_map *m = foreign_map_of(f, f->refused[i].lo);
        if (f->core && m && m->path)
            return true;
    }
    return false;
}

int foreign_open(struct foreign *f)
{
    if (make_image(f))
        return foreign_no_memory(f);
    bool found = find_root(f);
    if (!found && data_lack(f))
        return foreign_lacks(f);
    if (!found)
        return leaks_fail(
            LEAKS_NOT_OAKUM, "there is no Oakum in it", f->name,
            "only programs that use the library can be looked at (older versions of it cannot)");
    int err = f->core ? foreign_check_program(f) : 0;
    if (!err)
        err = check_version(f);
    if (!err && !read_tables(f))
        err = leaks_fail(EXIT_TROUBLE, "the runtime's books cannot be read", f->name,
                         "they are damaged: take another core file, or look at the process again");
    if (!err)
        judge_refused(f);
    return err;
}
