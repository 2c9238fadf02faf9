#include "base/slab.h"
#include "base/os.h"

#include <string.h>

/* Every mapping of the runtime's own memory, in the order made; entries [0, count) are published by the
 * release store. */
enum { MAX_REGIONS = 16384 };
static struct {
    oak__lock lock;
    _Atomic uint32_t count;
    struct region {
        char *lo, *hi;
    } at[MAX_REGIONS];
} regions;

void *oak__runtime_alloc(size_t size)
{
    size = round_up(size, oak__os_page_size());
    char *p = oak__os_reserve(size, oak__os_page_size());
    if (!p)
        return NULL;
    lock(&regions.lock);
    uint32_t n = load_relaxed(&regions.count);
    if (n < MAX_REGIONS) {
        regions.at[n] = (struct region){p, p + size};
        store_release(&regions.count, n + 1);
    }
    unlock(&regions.lock);
    if (n == MAX_REGIONS) {
        oak__os_unreserve(p, size);
        return NULL;
    }
    return p;
}

void oak__runtime_regions(bool (*fn)(const void *lo, const void *hi, void *arg), void *arg)
{
    uint32_t n = load_acquire(&regions.count);
    for (uint32_t i = 0; i < n; i++)
        if (!fn(regions.at[i].lo, regions.at[i].hi, arg))
            return;
}

void oak__runtime_books(const void **lo, const void **hi)
{
    *lo = &regions;
    *hi = &regions + 1;
}

static struct oak__slab *_Atomic tables;

void oak__slab_books(struct oak__slab_books *out)
{
    *out = (struct oak__slab_books){
        .first = &tables, .regions = regions.at, .count = &regions.count, .lo = &regions, .hi = &regions + 1};
}

static bool begin(struct oak__slab *s)
{
    s->chunks = oak__runtime_alloc(OAK__SLAB_MAX_CHUNKS * sizeof *s->chunks);
    if (!s->chunks)
        return false;
    struct oak__slab *first = load_relaxed(&tables);
    do
        s->next = first;
    while (!cas_release(&tables, &first, s));
    return true;
}

void oak__slabs_each(bool (*fn)(struct oak__slab *s, void *arg), void *arg)
{
    for (struct oak__slab *s = load_acquire(&tables); s && fn(s, arg); s = s->next)
        ;
}

/* Adds a chunk; under the lock. */
static bool grow(struct oak__slab *s)
{
    if (!s->chunks && !begin(s))
        return false;
    uint32_t n = load_relaxed(&s->nchunks);
    if (n == OAK__SLAB_MAX_CHUNKS)
        return false;
    size_t bytes = s->chunk_bytes ? s->chunk_bytes : 256 * 1024;
    char *base = oak__runtime_alloc(bytes);
    if (!base)
        return false;
    s->chunks[n].base = base + OAK__SLAB_HEAD;
    s->chunks[n].objects = (bytes - OAK__SLAB_HEAD) / s->object_size;
    s->fresh = 0;
    store_release(&s->nchunks, n + 1);
    return true;
}

/* One object; under the lock. */
static void *take(struct oak__slab *s)
{
    void *obj = s->free_list;
    if (obj) {
        s->free_list = *(void **)obj;
        return obj;
    }
    uint32_t n = load_relaxed(&s->nchunks);
    if (n == 0 || s->fresh == s->chunks[n - 1].objects) {
        if (!grow(s))
            return NULL;
        n++;
    }
    return s->chunks[n - 1].base + s->object_size * s->fresh++;
}

void *oak__slab_alloc(struct oak__slab *s)
{
    if (oak__fault_hit(OAK__FAULT_MALLOC))
        return NULL;
    lock(&s->lock);
    void *obj = take(s);
    unlock(&s->lock);
    if (obj)
        memset(obj, 0, s->object_size);
    return obj;
}

size_t oak__slab_alloc_batch(struct oak__slab *s, size_t n, void **list)
{
    if (oak__fault_hit(OAK__FAULT_MALLOC))
        return 0;
    size_t got = 0;
    lock(&s->lock);
    for (void *obj; got < n && (obj = take(s)); got++) {
        *(void **)obj = *list;
        *list = obj;
    }
    unlock(&s->lock);
    return got;
}

void oak__slab_free(struct oak__slab *s, void *obj)
{
    lock(&s->lock);
    *(void **)obj = s->free_list;
    s->free_list = obj;
    unlock(&s->lock);
}

void oak__slab_each(struct oak__slab *s, bool (*fn)(void *obj, void *arg), void *arg)
{
    uint32_t n = load_acquire(&s->nchunks);
    for (uint32_t i = 0; i < n; i++)
        for (size_t j = 0; j < s->chunks[i].objects; j++)
            if (!fn(s->chunks[i].base + j * s->object_size, arg))
                return;
}

void *oak__slab_at(struct oak__slab *s, size_t i)
{
    uint32_t n = load_acquire(&s->nchunks);
    if (n == 0)
        return NULL;
    size_t per_chunk = s->chunks[0].objects; /* all chunks of a table are of one size */
    size_t chunk = i / per_chunk;
    return chunk < n ? s->chunks[chunk].base + i % per_chunk * s->object_size : NULL;
}

void *oak__slab_find(struct oak__slab *s, const void *p)
{
    uint32_t n = load_acquire(&s->nchunks);
    for (uint32_t i = 0; i < n; i++) {
        size_t off = (size_t)((const char *)p - s->chunks[i].base);
        if (off < s->chunks[i].objects * s->object_size)
            return s->chunks[i].base + off / s->object_size * s->object_size;
    }
    return NULL;
}
