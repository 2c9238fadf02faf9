/* From an address to the block it belongs to. */
#include "leak/arenas.h"

struct oak__segment *oak__heap_segment(const struct oak__heap *h, uintptr_t p)
{
    size_t lo = 0, hi = h->nsegments;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (h->segments[mid].hi <= p)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < h->nsegments && h->segments[lo].lo <= p ? &h->segments[lo] : NULL;
}

static struct oak__large *large_of(const struct oak__heap *h, uintptr_t p)
{
    size_t lo = 0, hi = h->nlarge;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (h->large[mid].hi <= p)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < h->nlarge && h->large[lo].lo <= p ? &h->large[lo] : NULL;
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
bool oak__heap_block(const struct oak__heap *h, uintptr_t p, struct oak__block *out)
{
    const uintptr_t q = p - CHUNK_HEADER;
    *out = (struct oak__block){.lo = 0};
    out->seg = oak__heap_segment(h, q);
    if (out->seg) {
        out->granule = start_below(out->seg, (q - out->seg->lo) / OAK__GRANULE);
        const uintptr_t off = out->granule * OAK__GRANULE;
        uint64_t size;
        memcpy(&size, out->seg->local + off + 8, sizeof size);
        out->lo = out->seg->lo + off + CHUNK_HEADER;
        /* The program may use the first word of the next chunk's header; the end of a heap has none. */
        out->hi = out->lo + (size & ~(uint64_t)CHUNK_FLAGS) - CHUNK_HEADER + 8;
        if (out->hi > out->seg->hi)
            out->hi = out->seg->hi;
        out->local = out->seg->local + off + CHUNK_HEADER;
        return true;
    }
    out->large = large_of(h, q);
    if (!out->large)
        return false;
    out->lo = out->large->lo + CHUNK_HEADER;
    out->hi = out->large->hi;
    out->local = out->large->local + CHUNK_HEADER;
    return true;
}
