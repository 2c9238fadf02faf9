/*
 * Chunks that malloc mapped by themselves.
 *
 * Such a chunk begins on a page with a header of two words, 0 and size | 2. A program's own mapping may begin
 * like that by chance; to take it for a block would lose roots. But malloc counts: how long they are together
 * stands in mp_. Only when what looks like them adds up to exactly that are they believed to be them.
 */
#include "leak/arenas.h"

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
};

static void look_at(struct search *s, uintptr_t p)
{
    uint64_t before = image_word(s->img, p), head = image_word(s->img, p + 8),
             size = head & ~(uint64_t)CHUNK_FLAGS;
    if (before || (head & CHUNK_FLAGS) != CHUNK_MAPPED || size < PAGE || size % PAGE || size > s->map->hi - p)
        return;
    if (s->out)
        s->out[s->n] =
            (struct oak__large){.lo = p, .hi = p + size, .local = s->map->local + (p - s->map->lo)};
    s->n++;
    s->sum += size;
    s->next = p + size;
}

static void look_between(void *arg, uintptr_t lo, uintptr_t hi)
{
    struct search *s = arg;
    for (uintptr_t p = round_up(lo, (uintptr_t)PAGE); p < hi; p += PAGE) {
        if (p < s->next)
            continue;
        const struct oak__segment *g = oak__heap_segment(s->heap, p);
        if (g)
            s->next = g->hi;
        else
            look_at(s, p);
    }
}

/* The first region of stacks that ends above at; NULL: none. */
static const struct oak__span *stacks_above(const struct oak__image *img, uintptr_t at)
{
    const struct oak__span *first = NULL;
    for (size_t i = 0; i < img->nstacks; i++)
        if (img->stacks[i].hi > at && (!first || img->stacks[i].lo < first->lo))
            first = &img->stacks[i];
    return first;
}

/* Goroutines' stacks are left out: there may be a million, each with a guard page that the kernel's page table calls
 * swapped; reading it is a fault. */
static void look_in_mapping(struct search *s, struct oak__image *img)
{
    uintptr_t at = s->map->lo;
    while (at < s->map->hi) {
        const struct oak__span *x = stacks_above(img, at);
        uintptr_t end = x && x->lo < s->map->hi ? x->lo : s->map->hi;
        oak__image_pages(img, s->map, at, end, look_between, s);
        at = x && end < s->map->hi ? x->hi : end;
    }
}

static void look_everywhere(struct search *s, struct oak__image *img)
{
    s->n = s->sum = s->next = 0;
    for (size_t i = 0; i < img->nmaps; i++) {
        s->map = &img->maps[i];
        if (s->map->local && s->map->flags == (OAK__MAP_READ | OAK__MAP_WRITE))
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
