/*
 * Chunks that malloc mapped by themselves.
 *
 * Such a chunk begins on a page with a header of two words, 0 and size | 2. A program's own mapping may begin
 * like that by chance; to take it for a block would lose roots. But malloc counts: how long they are together
 * stands in mp_. Only when what looks like them adds up to exactly that are they believed to be them.
 *
 * A chunk that was asked for with an alignment has its header further on: its first word says how far from the beginning of
 * the mapping, and what lies between is the first header, which says how long the mapping was then, and zeros, or what a tunable
 * (MALLOC_PERTURB_) fills new blocks with. (realloc changes the second header alone.) All of the mapping counts as that block.
 */
#include "leak/arenas.h"
#include "leak/sort.h"

enum { PAGE = 4096 };
/* mp_: ..., size_t mmapped_mem, max_mmapped_mem; char *sbrk_base; ... */
enum { TO_MAX_MEM = 8, TO_SBRK_BASE = 16 };

static bool is_params(const struct oak__image *img, uintptr_t mem)
{
    uint64_t now = image_word(img, mem), most = image_word(img, mem + TO_MAX_MEM);
    return now % PAGE == 0 && most % PAGE == 0 && now <= most;
}

uintptr_t oak__params_find(const struct oak__image *img, uintptr_t near, uintptr_t sbrk_base)
{
    const struct oak__mapping *m = oak__image_mapping(img, near);
    if (!m || !m->local)
        return 0;
    uintptr_t found = 0;
    for (uintptr_t a = m->lo + TO_SBRK_BASE; a < m->hi; a += 8)
        if (image_word(img, a) == sbrk_base && is_params(img, a - TO_SBRK_BASE)) {
            if (found)
                return 0;
            found = a - TO_SBRK_BASE;
        }
    return found;
}

struct search {
    const struct oak__image *img;
    const struct oak__mapping *map;
    struct oak__heap *heap;
    struct oak__large *out; /* NULL: only counts */
    size_t n;
    uint64_t sum;
    uintptr_t next; /* the last one found ends here */
    /* What looks like a header is here, says so many bytes, and nothing but this word has followed it so far. 0: there is none. */
    uintptr_t at;
    uint64_t claims, fill;
};

static uint64_t word_at(const struct search *s, uintptr_t a)
{
    uint64_t w;
    memcpy(&w, s->map->local + (a - s->map->lo), sizeof w);
    return w;
}

static bool fits(const struct search *s, uint64_t size)
{
    return size >= PAGE && size % PAGE == 0 && size <= s->map->hi - s->at;
}

/* Whether a chunk of that size begins at s->at. */
static void settle(struct search *s, uint64_t size)
{
    const uintptr_t lo = s->at;
    s->next = lo + PAGE;
    if (lo && fits(s, size)) {
        if (s->out)
            s->out[s->n] =
                (struct oak__large){.lo = lo, .hi = lo + size, .local = s->map->local + (lo - s->map->lo)};
        s->n++;
        s->sum += size;
        s->next = lo + size;
    }
    s->at = 0;
}

/* At a are the first bytes behind the header that are something else. */
static void settle_by(struct search *s, uintptr_t a)
{
    const uint64_t before = word_at(s, a), head = word_at(s, a + 8), size = head & ~(uint64_t)CHUNK_FLAGS;
    bool aligned = before == a - s->at && (head & CHUNK_FLAGS) == CHUNK_MAPPED && size >= CHUNK_LEAST &&
                   size <= s->map->hi - a && fits(s, before + size);
    settle(s, aligned ? before + size : s->claims);
}

static uintptr_t first_other(const struct search *s, uintptr_t lo, uintptr_t hi)
{
    while (lo + CHUNK_HEADER <= hi && word_at(s, lo) == s->fill && word_at(s, lo + 8) == s->fill)
        lo += CHUNK_HEADER;
    return lo + CHUNK_HEADER <= hi ? lo : hi;
}

/* Goes on behind a header: where that is done. */
static uintptr_t look_behind(struct search *s, uintptr_t lo, uintptr_t hi)
{
    const uint64_t most = fits(s, s->claims) ? s->claims : s->map->hi - s->at;
    const uintptr_t end = s->at + most < hi ? s->at + most : hi, from = s->at + CHUNK_HEADER;
    const uintptr_t a = lo < end ? first_other(s, lo > from ? lo : from, end) : end;
    if (a < end)
        settle_by(s, a);
    else if (s->at + most <= hi)
        settle(s, s->claims);
    return a < end ? a : lo > end ? lo : end;
}

static bool looks_like_one(struct search *s, uintptr_t p)
{
    const uint64_t head = word_at(s, p + 8), size = head & ~(uint64_t)CHUNK_FLAGS;
    return word_at(s, p) == 0 && (head & CHUNK_FLAGS) == CHUNK_MAPPED && size >= PAGE && size % PAGE == 0;
}

static void look_between(void *arg, uintptr_t lo, uintptr_t hi)
{
    struct search *s = arg;
    uintptr_t p = lo;
    while (p < hi) {
        if (s->at) {
            p = look_behind(s, p, hi);
            continue;
        }
        p = round_up(p > s->next ? p : s->next, (uintptr_t)PAGE);
        if (p >= hi)
            return;
        const struct oak__segment *g = oak__heap_segment(s->heap, p);
        if (g) {
            s->next = g->hi;
        } else if (looks_like_one(s, p)) {
            s->at = p;
            s->claims = word_at(s, p + 8) & ~(uint64_t)CHUNK_FLAGS;
            s->fill = word_at(s, p + CHUNK_HEADER);
        } else {
            p += PAGE;
        }
    }
}

/*
 * Goroutines' stacks are left out: there may be a million, each with a guard page that the kernel's page table calls
 * swapped; reading it is a fault. And so are their descriptors: that of one that has not run yet may look like a header.
 */
static void look_in_mapping(struct search *s, struct oak__image *img)
{
    uintptr_t at = s->map->lo;
    while (at < s->map->hi) {
        const size_t i = oak__sorted_ending_above(img->runtime, img->nruntime, sizeof *img->runtime, at);
        const struct oak__span *x = i < img->nruntime ? &img->runtime[i] : NULL;
        const uintptr_t end = x && x->lo < s->map->hi ? x->lo > at ? x->lo : at : s->map->hi;
        oak__image_pages(img, s->map, at, end, look_between, s);
        if (s->at) /* nothing else to its end */
            settle(s, s->claims);
        at = x && end < s->map->hi ? x->hi : end;
    }
}

static void look_everywhere(struct search *s, struct oak__image *img)
{
    s->n = s->sum = s->next = s->at = 0;
    for (size_t i = 0; i < img->nmaps; i++) {
        s->map = &img->maps[i];
        if (s->map->local && (s->map->flags & ~(uint32_t)OAK__MAP_CODE) == (OAK__MAP_READ | OAK__MAP_WRITE))
            look_in_mapping(s, img);
    }
}

int oak__heap_find_large(struct oak__image *img, const struct oak__arenas *a, struct oak__scratch *s,
                         struct oak__heap *h)
{
    if (!a->params)
        return 0;
    struct search f = {.img = img, .heap = h};
    uint64_t sum = image_word(img, a->params);
    if (sum)
        look_everywhere(&f, img);
    h->large_known = f.sum == sum;
    if (!f.n || !h->large_known)
        return 0;
    f.out = h->large = oak__scratch_alloc(s, f.n, sizeof *h->large);
    if (!h->large)
        return -ENOMEM;
    look_everywhere(&f, img);
    h->nlarge = f.n;
    h->blocks += f.n;
    h->bytes += sum;
    return 0;
}
