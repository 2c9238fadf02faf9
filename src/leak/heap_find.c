/* From an address to the block it belongs to. */
#include "leak/arenas.h"
#include "leak/sort.h"

struct oak__segment *oak__heap_segment(const struct oak__heap *h, uintptr_t p)
{
    const size_t i = oak__sorted_ending_above(h->segments, h->nsegments, sizeof *h->segments, p);
    return i < h->nsegments && h->segments[i].lo <= p ? &h->segments[i] : NULL;
}

static struct oak__large *large_of(const struct oak__heap *h, uintptr_t p)
{
    const size_t i = oak__sorted_ending_above(h->large, h->nlarge, sizeof *h->large, p);
    return i < h->nlarge && h->large[i].lo <= p ? &h->large[i] : NULL;
}

/* The granule of the chunk that covers granule at: the nearest start at or below it. */
static size_t start_below(const struct oak__segment *g, size_t at)
{
    const size_t first = at >> OAK__COVER_SHIFT << OAK__COVER_SHIFT;
    size_t word = at / 64;
    uint64_t bits = g->starts[word] & (~(uint64_t)0 >> (63 - at % 64));
    for (;;) {
        if (bits)
            return word * 64 + 63 - (size_t)__builtin_clzl(bits);
        if (word == first / 64)
            return g->cover[at >> OAK__COVER_SHIFT];
        bits = g->starts[--word];
    }
}

/*
 * A chunk answers for the addresses from its first usable byte to the last byte of the next chunk's header: one
 * past its end is still in there, and no other block begins before.
 */
void oak__segment_block(struct oak__segment *g, uintptr_t p, struct oak__block *out)
{
    const size_t granule = start_below(g, (p - CHUNK_HEADER - g->lo) / OAK__GRANULE);
    const uintptr_t off = granule * OAK__GRANULE;
    uint64_t size;
    memcpy(&size, g->local + off + 8, sizeof size);
    out->seg = g;
    out->large = NULL;
    out->granule = granule;
    out->lo = g->lo + off + CHUNK_HEADER;
    out->next = out->lo + (size & ~(uint64_t)CHUNK_FLAGS);
    /* The program may use the first word of the next chunk's header; at the end of a heap there is none. */
    out->hi = out->next - 8 < g->hi ? out->next - 8 : g->hi;
    out->local = g->local + off + CHUNK_HEADER;
}

void oak__large_block(struct oak__large *x, struct oak__block *out)
{
    *out = (struct oak__block){.lo = x->lo + CHUNK_HEADER,
                               .hi = x->hi,
                               .next = x->hi + CHUNK_HEADER,
                               .local = x->local + CHUNK_HEADER,
                               .large = x};
}

bool oak__heap_block(const struct oak__heap *h, uintptr_t p, struct oak__block *out)
{
    struct oak__segment *g = oak__heap_segment(h, p - CHUNK_HEADER);
    struct oak__large *x = g ? NULL : large_of(h, p - CHUNK_HEADER);
    if (g)
        oak__segment_block(g, p, out);
    else if (x)
        oak__large_block(x, out);
    return g || x;
}
