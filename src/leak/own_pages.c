/*
 * Which pages of this process hold anything.
 *
 * Address space is cheap and mappings may be terabytes long (sanitizers' shadows, reserved stacks, sparse
 * files), so the roots are looked for only where something is.
 *
 * Private memory: what the program has written lies in pages of its own, present or swapped out, whatever their
 * protection is now; all else is zero or the file's content, which cannot know addresses. The kernel tells by
 * the PAGEMAP_SCAN ioctl (Linux 6.7) or, word by word, by /proc/self/pagemap. Where neither works (no /proc, an
 * emulator that shows its own), everything readable is looked at.
 *
 * Shared memory: a copy, made at the stop, is all that counts (shared.h). Files that were opened for reading only may be too large for
 * that. A clone has no page tables of them, so the pages that are in memory are asked of mincore(2); one that was evicted to
 * disk is not fetched back, but small mappings are read whole all the same.
 */
#include "leak/own_pages.h"
#include "leak/pagemap.h"

enum { READ_WHOLE = 64 << 20 };

typedef void visit_fn(void *arg, uintptr_t lo, uintptr_t hi);

struct visit {
    struct oak__own *own;
    const struct oak__mapping *map;
    visit_fn *fn;
    void *arg;
    uintptr_t lo, hi; /* found, not yet reported */
};

static uintptr_t page_of(const struct visit *v, uintptr_t a)
{
    return a & ~(uintptr_t)(v->own->page - 1);
}

/* A protected page of the program is opened: this process is a copy of it. */
static bool readable(struct visit *v)
{
    if (v->map->flags & OAK__MAP_READ)
        return true;
    uintptr_t lo = page_of(v, v->lo);
    return v->own->frozen && raw(SYS_mprotect, lo, round_up(v->hi, v->own->page) - lo, PROT_READ) == 0;
}

static void flush(struct visit *v)
{
    if (v->lo < v->hi && readable(v))
        v->fn(v->arg, v->lo, v->hi);
    v->lo = v->hi = 0;
}

/* Parts that follow one another are reported as one. */
static void found(struct visit *v, uintptr_t lo, uintptr_t hi)
{
    if (v->hi != lo) {
        flush(v);
        v->lo = lo;
    }
    v->hi = hi;
}

/* False when the kernel refused. */
static bool by_scan(struct visit *v, uintptr_t lo, uintptr_t hi)
{
    struct pagemap_region vec[64];
    uintptr_t at = page_of(v, lo), stop = round_up(hi, v->own->page);
    while (at < stop) {
        uint64_t end = 0;
        long n = pagemap_written(v->own->pagemap, at, stop, vec, countof(vec), &end);
        if (n < 0 || end <= at)
            return false;
        for (long i = 0; i < n; i++)
            found(v, vec[i].start < lo ? lo : vec[i].start, vec[i].end > hi ? hi : vec[i].end);
        at = end;
    }
    return true;
}

static bool by_words(struct visit *v, uintptr_t lo, uintptr_t hi)
{
    uint64_t word[512];
    const size_t size = v->own->page;
    for (uintptr_t page = lo / size, end = (hi + size - 1) / size; page < end;) {
        size_t want = end - page < countof(word) ? end - page : countof(word);
        long n = raw(SYS_pread64, v->own->pagemap, word, want * 8, (long)(page * 8));
        if (n < 8)
            return false;
        for (long i = 0; i < n / 8; i++, page++) {
            if (!(word[i] & (PM_PRESENT | PM_SWAPPED)) || word[i] & PM_FILE)
                continue;
            uintptr_t a = page * size, b = a + size;
            found(v, a < lo ? lo : a, b > hi ? hi : b);
        }
    }
    return true;
}

static bool by_residence(struct visit *v, uintptr_t lo, uintptr_t hi)
{
    unsigned char in[512];
    const size_t size = v->own->page;
    for (uintptr_t at = page_of(v, lo); at < hi;) {
        size_t n = (hi - at + size - 1) / size;
        n = n < countof(in) ? n : countof(in);
        if (raw(SYS_mincore, at, n * size, in) < 0)
            return false;
        for (size_t i = 0; i < n; i++, at += size)
            if (in[i] & 1)
                found(v, at < lo ? lo : at, at + size > hi ? hi : at + size);
    }
    return true;
}

static bool visit_private(struct visit *v, uintptr_t lo, uintptr_t hi)
{
    if (v->own->scan_ioctl)
        return by_scan(v, lo, hi);
    return v->own->pagemap >= 0 && by_words(v, lo, hi);
}

static void pages(struct oak__image *img, const struct oak__mapping *m, uintptr_t lo, uintptr_t hi,
                  visit_fn *fn, void *arg)
{
    struct visit v = {.own = img->source, .map = m, .fn = fn, .arg = arg};
    bool shared = m->flags & OAK__MAP_SHARED;
    bool known = false;
    if (m->flags & OAK__MAP_KERNEL)
        return;
    if (m->flags & OAK__MAP_COPIED) {
        fn(arg, lo, hi);
        return;
    }
    if (!shared)
        known = visit_private(&v, lo, hi);
    else if (m->hi - m->lo > READ_WHOLE)
        known = by_residence(&v, lo, hi);
    if (!known && (shared || m->flags & OAK__MAP_READ)) {
        /* What was found so far is reported twice: that does no harm. */
        v.lo = lo;
        v.hi = hi;
    }
    flush(&v);
}

static void note_found(void *arg, uintptr_t lo, uintptr_t hi)
{
    (void)lo, (void)hi;
    *(bool *)arg = true;
}

/* A page that was just written must be found: an emulator may show the page table of another address space. */
static bool tells_truth(struct oak__own *o)
{
    static int written_data;
    int written_stack = ++written_data;
    volatile const void *probe[] = {&written_data, &written_stack};
    for (size_t i = 0; i < countof(probe); i++) {
        uintptr_t a = (uintptr_t)probe[i] & ~(uintptr_t)(o->page - 1);
        const struct oak__mapping *m = oak__image_mapping(&o->img, a);
        bool there = false;
        struct visit v = {.own = o, .map = m, .fn = note_found, .arg = &there};
        if (!m || !visit_private(&v, a, a + o->page))
            return false;
        flush(&v);
        if (!there)
            return false;
    }
    return true;
}

void oak__own_pages_open(struct oak__own *o)
{
    o->img.source = o;
    o->img.pages = pages;
    o->pagemap = raw_open_own("pagemap", O_RDONLY);
    o->scan_ioctl = o->pagemap >= 0;
    if (o->scan_ioctl && tells_truth(o))
        return;
    o->scan_ioctl = false;
    if (o->pagemap >= 0 && !tells_truth(o)) {
        raw_close(o->pagemap);
        o->pagemap = -1;
    }
}
