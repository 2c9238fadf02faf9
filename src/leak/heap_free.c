/*
 * Free chunks that look used: those in a thread's cache and in fastbins.
 *
 * A thread's cache is an ordinary block, known by its size and by what is in it: a count and a list for each
 * chunk size, each member of which carries a key that the process drew at its start and keeps in libc's data.
 * A list is believed when its length, its members' sizes and their keys all agree. Fastbins stand in the arena;
 * their members are believed when the chain, which is masked, holds to its end.
 */
#include "leak/arenas.h"

enum {
    TCACHE_BINS = 64,
    TCACHE_SIZE = TCACHE_BINS * 2 + TCACHE_BINS * 8, /* counts, heads */
    TCACHE_CHUNK = TCACHE_SIZE + CHUNK_HEADER,
    MOST_LINKS = 1 << 20,
    KEPT = 128, /* a tunable may allow more than 7 in a list; longer ones are left alone */
};

struct tcache {
    uint16_t counts[TCACHE_BINS];
    uint64_t heads[TCACHE_BINS];
};

void oak__tcache_note(struct oak__heap *h, uintptr_t chunk, uint64_t size, const char *bytes)
{
    if (size != TCACHE_CHUNK || h->ntcaches == OAK__MOST_TCACHES)
        return;
    struct tcache t;
    memcpy(&t, bytes, sizeof t);
    bool any = false;
    for (int i = 0; i < TCACHE_BINS; i++) {
        if ((t.counts[i] == 0) != (t.heads[i] == 0) || t.heads[i] % 16 || t.counts[i] > KEPT)
            return;
        any = any || t.counts[i];
    }
    if (any)
        h->tcaches[h->ntcaches++] = chunk + CHUNK_HEADER;
}

static uint64_t chunk_size(const struct oak__block *b)
{
    uint64_t head;
    memcpy(&head, b->local - 8, sizeof head);
    return head & ~(uint64_t)CHUNK_FLAGS;
}

/* The block at e, if a chunk of that size begins there. */
static bool chunk_at(const struct oak__heap *h, uint64_t e, uint64_t size, struct oak__block *b)
{
    return e % 16 == 0 && oak__heap_block(h, e, b) && b->lo == e && b->seg && chunk_size(b) == size;
}

/* Links are masked with their own place in memory. */
static uint64_t next_of(const struct oak__block *b)
{
    uint64_t masked;
    memcpy(&masked, b->local, sizeof masked);
    return masked ^ b->lo >> 12;
}

/* The key is somewhere in libc's data, or it is none. */
static bool is_key(const struct oak__image *img, uintptr_t bins, uint64_t key)
{
    const struct oak__mapping *m = oak__image_mapping(img, bins);
    for (int i = 0; key && i < 2 && m && m->local && m < img->maps + img->nmaps; i++, m++)
        for (uintptr_t a = m->lo; a < m->hi && a - m->lo < 1 << 20; a += 8)
            if (image_word(img, a) == key)
                return true;
    return false;
}

/* A list of free chunks of one size. A cache's links lead to what follows the header, a fastbin's to the header. */
struct list {
    uint64_t first, size;
    unsigned to_bytes; /* from where a link leads to what follows the header */
    int count;         /* -1: not known */
};

/* Goes over l; with key: each member must carry it (*key 0: not known yet). False: l is not what it seems. */
static bool list_holds(const struct oak__image *img, uintptr_t bins, const struct oak__heap *h,
                       const struct list *l, uint64_t *key)
{
    uint64_t link = l->first;
    struct oak__block b;
    for (int i = 0; i < MOST_LINKS && i != l->count && link; i++) {
        if (!chunk_at(h, link + l->to_bytes, l->size, &b))
            return false;
        if (key) {
            uint64_t mark;
            memcpy(&mark, b.local + 8, sizeof mark);
            if (!*key && is_key(img, bins, mark))
                *key = mark;
            if (!*key || mark != *key)
                return false;
        }
        link = next_of(&b);
        if (l->count > 0 && !link != (i + 1 == l->count))
            return false;
    }
    return link == 0;
}

static void list_is_free(struct oak__heap *h, const struct list *l)
{
    uint64_t link = l->first;
    struct oak__block b;
    while (link && chunk_at(h, link + l->to_bytes, l->size, &b)) {
        if (block_mark(&b)) /* seen before: the list runs in a circle */
            return;
        h->cached++;
        h->blocks--;
        h->bytes -= l->size;
        link = next_of(&b);
    }
}

static void free_of_threads(const struct oak__image *img, uintptr_t bins, struct oak__heap *h)
{
    uint64_t key = 0;
    for (size_t i = 0; i < h->ntcaches; i++) {
        struct tcache t;
        if (!image_copy(img, h->tcaches[i], &t, sizeof t))
            continue;
        for (unsigned n = 0; n < TCACHE_BINS; n++) {
            struct list l = {.first = t.heads[n], .size = CHUNK_LEAST + 16ull * n, .count = t.counts[n]};
            if (l.count && list_holds(img, bins, h, &l, &key))
                list_is_free(h, &l);
        }
    }
}

static bool free_of_fastbins(const struct oak__image *img, uintptr_t arena, bool main, void *arg)
{
    (void)main;
    struct oak__heap *h = arg;
    for (unsigned i = 0; i < ARENA_NFASTBINS; i++) {
        struct list l = {.first = image_word(img, arena + ARENA_FASTBINS + 8ul * i),
                         .size = CHUNK_LEAST + 16ull * i,
                         .to_bytes = CHUNK_HEADER,
                         .count = -1};
        if (l.first && list_holds(img, 0, h, &l, NULL))
            list_is_free(h, &l);
    }
    return true;
}

void oak__heap_find_free(const struct oak__image *img, const struct oak__arenas *a, struct oak__heap *h)
{
    free_of_threads(img, a->bins, h);
    oak__arenas_each(img, a, free_of_fastbins, h);
}
