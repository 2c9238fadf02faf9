/*
 * The walk over chunks.
 *
 * Each chunk says how long it is, and in its flags whether the one before it is in use. That a chunk is free is
 * believed only when the next chunk repeats its size and the list it is in leads back to it: a free block's
 * content is never looked at, so a used one taken for free would hide what it refers to.
 */
#include "leak/arenas.h"

struct walk {
    const struct oak__image *img;
    struct oak__scratch *scratch;
    struct oak__heap *heap;
    size_t room; /* of heap->segments */
    int err;
};

/* A candidate range, before it is understood. */
struct range {
    uintptr_t lo, hi;
    uintptr_t top; /* its last chunk, the free rest of the arena; 0: it is not in this range */
    bool thread_arena;
};

static uint64_t word_at(const struct oak__segment *g, uintptr_t a)
{
    uint64_t w;
    memcpy(&w, g->local + (a - g->lo), sizeof w);
    return w;
}

static uint64_t link_at(const struct oak__image *img, const struct oak__segment *g, uintptr_t a)
{
    return a >= g->lo && a < g->hi - 8 ? word_at(g, a) : image_word(img, a);
}

static bool is_free(const struct oak__image *img, const struct oak__segment *g, uintptr_t c, uint64_t size)
{
    uint64_t fd = word_at(g, c + 16), bk = word_at(g, c + 24);
    return word_at(g, c + size) == size && link_at(img, g, fd + 24) == c && link_at(img, g, bk + 16) == c;
}

/* A heap that its arena has outgrown ends with headers of no use: one of size 0, before it one of the least size that
 * its place allows, 16 or 32. The latter looks like a chunk, but is not marked as one of a thread's arena. */
static bool is_fencepost(const struct oak__segment *g, const struct range *r, uintptr_t c, uint64_t head)
{
    const uint64_t size = head & ~(uint64_t)CHUNK_FLAGS;
    if (r->top || r->hi - c > 4 * CHUNK_HEADER)
        return false;
    if (size == 0)
        return true;
    return (size == CHUNK_HEADER || (size == CHUNK_LEAST && !(head & CHUNK_THREAD_ARENA))) &&
           c + size + CHUNK_HEADER <= r->hi && !(word_at(g, c + size + 8) & ~(uint64_t)CHUNK_FLAGS);
}

static void note(struct oak__heap *h, struct oak__segment *g, uintptr_t c, uint64_t size, bool is_free)
{
    size_t granule = (c - g->lo) / OAK__GRANULE;
    bit_set(g->starts, granule);
    if (is_free) {
        bit_set(g->marks, granule / 2);
        return;
    }
    h->blocks++;
    h->bytes += size;
    oak__tcache_note(h, c, size, g->local + (c - g->lo) + CHUNK_HEADER);
}

/* Goes over the chunks of r and notes them. False: this is not what glibc leaves behind. */
static bool walk_chunks(struct walk *w, struct oak__segment *g, const struct range *r)
{
    uintptr_t c = r->lo;
    bool free_before = false;
    while (c + CHUNK_LEAST <= r->hi) {
        uint64_t head = word_at(g, c + 8), size = head & ~(uint64_t)CHUNK_FLAGS;
        if (is_fencepost(g, r, c, head)) {
            g->hi = c;
            return true;
        }
        bool top = c == r->top;
        if (size < CHUNK_LEAST || size % 16 || size > r->hi - c || head & CHUNK_MAPPED ||
            free_before != !(head & CHUNK_PREV_USED) || top != (c + size == r->hi))
            return false;
        free_before = !top && !(word_at(g, c + size + 8) & CHUNK_PREV_USED);
        if (free_before ? !is_free(w->img, g, c, size)
                        : !top && !!(head & CHUNK_THREAD_ARENA) != r->thread_arena) /* free ones do not say */
            return false;
        note(w->heap, g, c, size, top || free_before);
        c += size;
    }
    return c == r->hi;
}

static void fill_cover(struct oak__segment *g)
{
    const size_t granules = (g->hi - g->lo) / OAK__GRANULE, step = (size_t)1 << OAK__COVER_SHIFT;
    uint32_t last = 0;
    for (size_t at = 0; at < granules; at += step) {
        if (bit_get(g->starts, at))
            last = (uint32_t)at;
        g->cover[at >> OAK__COVER_SHIFT] = last;
        for (size_t word = (at + step) / 64; word-- > at / 64;)
            if (g->starts[word]) {
                last = (uint32_t)(word * 64 + 63 - (size_t)__builtin_clzl(g->starts[word]));
                break;
            }
    }
}

static bool make_tables(struct walk *w, struct oak__segment *g)
{
    size_t granules = (g->hi - g->lo) / OAK__GRANULE;
    size_t pages = (granules >> OAK__COVER_SHIFT) + 1, words = pages << (OAK__COVER_SHIFT - 6);
    g->starts = oak__scratch_alloc(w->scratch, words, 8);
    g->marks = oak__scratch_alloc(w->scratch, words / 2, 8);
    g->waited = oak__scratch_alloc(w->scratch, words / 2, 8);
    g->missed = oak__scratch_alloc(w->scratch, words / 2, 8);
    g->cover = oak__scratch_alloc(w->scratch, pages, sizeof *g->cover);
    return g->starts && g->marks && g->waited && g->missed && g->cover;
}

static bool add_segment(struct walk *w, const struct oak__segment *g)
{
    struct oak__heap *h = w->heap;
    if (h->nsegments == w->room) {
        size_t room = w->room ? 2 * w->room : 64;
        struct oak__segment *more = oak__scratch_alloc(w->scratch, room, sizeof *more);
        if (!more)
            return false;
        if (h->nsegments)
            memcpy(more, h->segments, h->nsegments * sizeof *more);
        h->segments = more;
        w->room = room;
    }
    size_t i = h->nsegments++;
    for (; i > 0 && h->segments[i - 1].lo > g->lo; i--)
        h->segments[i] = h->segments[i - 1];
    h->segments[i] = *g;
    return true;
}

static bool walk_range(struct walk *w, const struct range *r)
{
    if (r->hi <= r->lo || (r->hi - r->lo) / OAK__GRANULE > UINT32_MAX)
        return false;
    struct oak__segment g = {.lo = r->lo, .hi = r->hi};
    g.local = oak__image_at(w->img, r->lo, r->hi - r->lo);
    if (!g.local)
        return false;
    const struct oak__heap before = *w->heap;
    if (!make_tables(w, &g)) {
        w->err = -ENOMEM;
        return false;
    }
    if (!walk_chunks(w, &g, r)) { /* nothing is known of a range that does not hold to its end */
        *w->heap = before;
        return false;
    }
    fill_cover(&g);
    if (!add_segment(w, &g))
        w->err = -ENOMEM;
    return w->err == 0;
}

static uintptr_t first_chunk(uintptr_t a)
{
    return round_up(a, (uintptr_t)OAK__GRANULE);
}

static bool walk_main(struct walk *w, uintptr_t arena, uintptr_t top, uint64_t top_size)
{
    struct range r = {.lo = first_chunk(oak__main_start(w->img, arena)), .hi = top + top_size, .top = top};
    const struct oak__mapping *m = oak__image_mapping(w->img, r.lo);
    /* When the break could not grow, the arena went on elsewhere: its parts cannot be told. */
    return m && m->flags & OAK__MAP_BRK && walk_range(w, &r);
}

static bool walk_thread(struct walk *w, uintptr_t arena, uintptr_t top)
{
    const uintptr_t info = arena & (HEAP_ALIGN - 1);
    bool ok = true;
    uintptr_t heap = top & ~(uintptr_t)(HEAP_ALIGN - 1);
    for (int i = 0; heap && ok && i < 1 << 20; i++) {
        uint64_t size = image_word(w->img, heap + 16);
        bool first = heap == arena - info;
        if (image_word(w->img, heap) != arena || size > HEAP_ALIGN)
            return false;
        struct range r = {.lo = heap + info + (first ? ARENA_SIZE : 0),
                          .hi = heap + size,
                          .top = i == 0 ? top : 0,
                          .thread_arena = true};
        r.lo = first_chunk(r.lo);
        ok = walk_range(w, &r);
        heap = first ? 0 : image_word(w->img, heap + 8);
    }
    return ok;
}

static void note_books(struct walk *w, uintptr_t lo, uintptr_t hi)
{
    struct oak__heap *h = w->heap;
    if (h->nbooks == h->books_room) {
        size_t room = h->books_room ? 2 * h->books_room : 64;
        struct oak__span *more = oak__scratch_alloc(w->scratch, room, sizeof *more);
        if (!more) {
            w->err = -ENOMEM;
            return;
        }
        if (h->nbooks)
            memcpy(more, h->books, h->nbooks * sizeof *more);
        h->books = more;
        h->books_room = room;
    }
    h->books[h->nbooks++] = (struct oak__span){lo, hi};
}

static bool walk_arena(const struct oak__image *img, uintptr_t arena, bool main, void *arg)
{
    struct walk *w = arg;
    (void)img;
    w->heap->arenas++;
    note_books(w, arena, arena + ARENA_SIZE);
    uintptr_t top = image_word(w->img, arena + ARENA_TOP);
    uint64_t size = image_word(w->img, top + 8) & ~(uint64_t)CHUNK_FLAGS;
    if ((uint32_t)image_word(w->img, arena) != 0)
        w->heap->busy++;
    else if (!(main ? walk_main(w, arena, top, size) : walk_thread(w, arena, top)))
        w->heap->refused++;
    return w->err == 0;
}

int oak__heap_walk(struct oak__image *img, const struct oak__arenas *a, struct oak__scratch *s,
                   struct oak__heap *out)
{
    *out = (struct oak__heap){.segments = NULL};
    if (!a->bins)
        return 0;
    struct walk w = {.img = img, .scratch = s, .heap = out};
    out->tcaches = oak__scratch_alloc(s, OAK__MOST_TCACHES, sizeof *out->tcaches);
    if (!out->tcaches)
        return -ENOMEM;
    if (!oak__arenas_each(img, a, walk_arena, &w))
        out->refused++;
    return w.err ? w.err : oak__heap_find_large(img, a, s, out);
}
