/*
 * The blocks of glibc's malloc, found by walking its chunks.
 *
 * What is walked is no root: memory there is live only when something live points to its block. So everything
 * here errs on one side. A range counts as walked only when every chunk from its first to its last is
 * consistent with its neighbours and no thread was inside that arena; whatever is left over stays what any
 * other writable memory is, a root. A wrong or a foreign allocator costs proofs; it never makes a false one.
 *
 * A segment is a contiguous run of chunks (the main arena, each heap of a thread arena). It has a bitmap of a bit per 16
 * bytes, the granule of glibc, for where chunks start, and a page index: 0.9% of the heap. Chunks are at least 32 bytes, so
 * of what is noted of a chunk a bit per 32 bytes suffices, 0.4% of the heap for each of three: marks; where blocks lie that somebody waits for,
 * and where marking has more before it than it can note, which are touched only where such blocks are. Large chunks that have a
 * mapping of their own stand in a table.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_HEAP_H
#define OAK_LEAK_HEAP_H

#include "leak/image.h"

enum {
    OAK__GRANULE = 16,
    OAK__COVER_SHIFT = 8, /* granules per entry of the page index: 4 KiB */
    OAK__MOST_TCACHES = 4096,
};

struct oak__segment {
    uintptr_t lo, hi;  /* from the first chunk's header to the end of the last chunk */
    const char *local; /* where lo can be read */
    uint64_t *starts;  /* bit g: a chunk's header is at lo + 16 g */
    uint64_t *marks;   /* bit g / 2: reached, or free */
    uint64_t *waited;  /* bit g / 2: somebody waits for what is in it */
    uint64_t *missed;  /* bit g / 2: marked, but still to be looked at */
    uint32_t *cover;   /* per 4 KiB: granule of the chunk that covers its first byte */
};

/* A chunk that malloc mapped by itself. */
struct oak__large {
    uintptr_t lo, hi; /* the chunk, header included */
    const char *local;
    bool marked, waited, missed;
};

struct oak__heap {
    struct oak__segment *segments; /* sorted */
    size_t nsegments;
    struct oak__large *large; /* sorted */
    size_t nlarge;
    struct oak__span *books; /* malloc's own: its lists lead to chunks, which are no references */
    size_t nbooks, books_room;
    size_t arenas, refused; /* arenas found; those whose chunks were not understood */
    size_t busy;            /* arenas that a thread was inside of */
    bool large_known;       /* the mapped chunks are exactly those that malloc counts */
    uint64_t bytes, blocks; /* in use, as far as walked */
    uintptr_t *tcaches;     /* blocks that may be a thread's cache of free chunks */
    size_t ntcaches;
    uint64_t cached; /* chunks found to be free in such caches and in fastbins */
};

/* Where glibc keeps its books: found once, checked at each use. */
struct oak__arenas {
    uintptr_t bins;   /* main_arena's bin headers; 0: this is not glibc's malloc, or one not known here */
    uintptr_t params; /* mp_.mmapped_mem; 0: not found */
};

/* Looks for glibc's main arena in the writable data of img. */
void oak__arenas_find(const struct oak__image *img, struct oak__arenas *out);
/* How many arenas have a thread inside: their chunks are in flux. */
size_t oak__arenas_busy(const struct oak__image *img, const struct oak__arenas *a);

/* Walks everything. 0 or -ENOMEM; not understanding is no error, only less knowledge. Empty when a->bins is 0. */
int oak__heap_walk(struct oak__image *img, const struct oak__arenas *a, struct oak__scratch *s,
                   struct oak__heap *out);
/* Takes chunks in free lists of threads and in fastbins, which look used to a walk, for what they are: free.
 * Their stale contents would keep things alive, and cost proofs. */
void oak__heap_find_free(const struct oak__image *img, const struct oak__arenas *a, struct oak__heap *h);

/* The segment in which p lies, or NULL. */
struct oak__segment *oak__heap_segment(const struct oak__heap *h, uintptr_t p);

/* A block: what the program may use of a chunk. In a segment or a large one. */
struct oak__block {
    uintptr_t lo, hi;
    uintptr_t next;    /* where the bytes of the next chunk begin, used or free */
    const char *local; /* of lo */
    struct oak__segment *seg;
    size_t granule; /* of its header in seg */
    struct oak__large *large;
};
/* The block that address p belongs to: pointers into the middle count, and those just past the end. False: none.
 */
bool oak__heap_block(const struct oak__heap *h, uintptr_t p, struct oak__block *out);
/* The same when it is known where p is: its chunk's bytes begin in g at or below p. */
void oak__segment_block(struct oak__segment *g, uintptr_t p, struct oak__block *out);
void oak__large_block(struct oak__large *x, struct oak__block *out);

static inline bool bit_get(const uint64_t *bits, size_t i)
{
    return bits[i / 64] >> i % 64 & 1;
}

static inline void bit_set(uint64_t *bits, size_t i)
{
    bits[i / 64] |= (uint64_t)1 << i % 64;
}

/* True when it was marked before (free blocks always are). */
static inline bool block_mark(const struct oak__block *b)
{
    if (b->large) {
        bool was = b->large->marked;
        b->large->marked = true;
        return was;
    }
    bool was = bit_get(b->seg->marks, b->granule / 2);
    bit_set(b->seg->marks, b->granule / 2);
    return was;
}

static inline bool block_marked(const struct oak__block *b)
{
    return b->large ? b->large->marked : bit_get(b->seg->marks, b->granule / 2);
}

static inline bool block_waited(const struct oak__block *b)
{
    return b->large ? b->large->waited : bit_get(b->seg->waited, b->granule / 2);
}

/* It was marked, and there was no place to note that it is to be looked at. */
static inline void block_set_missed(const struct oak__block *b)
{
    if (b->large)
        b->large->missed = true;
    else
        bit_set(b->seg->missed, b->granule / 2);
}

static inline void block_set_waited(const struct oak__block *b)
{
    if (b->large)
        b->large->waited = true;
    else
        bit_set(b->seg->waited, b->granule / 2);
}

#endif
