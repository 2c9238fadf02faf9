/* Records of stacks that are put away: tables by size, 64 bytes apart, so that little is lost and the leak proof knows them. */
#include "base/slab.h"
#include "stack/away.h"

enum { STEP = 64, SIZES = (OAK__KEPT_MOST + (int)sizeof(struct oak__kept)) / STEP, CHUNK = 1 << 20 };

static struct oak__slab tables[SIZES];

static struct oak__slab *table_for(size_t size)
{
    return &tables[(size + sizeof(struct oak__kept) - 1) / STEP];
}

static void set_up(struct oak__slab *s)
{
    lock(&s->lock);
    s->name = "stacks put away";
    s->chunk_bytes = CHUNK;
    s->object_size = (size_t)(s - tables + 1) * STEP;
    unlock(&s->lock);
}

struct oak__kept *oak__kept_alloc(size_t size)
{
    if (size > OAK__KEPT_MOST)
        return NULL;
    struct oak__slab *s = table_for(size);
    if (unlikely(!s->object_size)) /* the compactor is the only one who allocates */
        set_up(s);
    struct oak__kept *k = oak__slab_alloc(s);
    if (k)
        k->size = (uint32_t)size;
    return k;
}

void oak__kept_free(struct oak__kept *k)
{
    oak__slab_free(table_for(k->size), k);
}

bool oak__kept_is_table(const struct oak__slab *s)
{
    return s >= tables && s < tables + SIZES;
}

void oak__kept_tables(const void **lo, const void **hi)
{
    *lo = tables;
    *hi = tables + SIZES;
}
