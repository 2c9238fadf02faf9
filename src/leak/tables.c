#include "leak/tables.h"

void oak__table_each(const struct oak__table *t, bool (*fn)(size_t i, uintptr_t object, void *arg), void *arg)
{
    size_t n = 0;
    for (size_t c = 0; c < t->nchunks; c++)
        for (size_t k = 0; k < t->chunks[c].n; k++)
            if (!fn(n++, t->chunks[c].base + k * t->object_size, arg))
                return;
}

size_t oak__table_size(const struct oak__table *t)
{
    size_t n = 0;
    for (size_t c = 0; c < t->nchunks; c++)
        n += t->chunks[c].n;
    return n;
}

size_t oak__table_index(const struct oak__table *t, uintptr_t p)
{
    size_t before = 0;
    for (size_t c = 0; c < t->nchunks; c++) {
        uintptr_t off = p - t->chunks[c].base;
        if (off < t->chunks[c].n * t->object_size)
            return before + off / t->object_size + 1;
        before += t->chunks[c].n;
    }
    return 0;
}
