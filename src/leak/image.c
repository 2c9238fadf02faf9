#include "leak/image.h"

/* Index of the first mapping that ends above a. */
static size_t first_above(const struct oak__image *img, uintptr_t a)
{
    size_t lo = 0, hi = img->nmaps;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (img->maps[mid].hi <= a)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct oak__mapping *oak__image_mapping(const struct oak__image *img, uintptr_t a)
{
    size_t i = first_above(img, a);
    return i < img->nmaps && img->maps[i].lo <= a ? &img->maps[i] : NULL;
}

const void *oak__image_at(const struct oak__image *img, uintptr_t a, size_t size)
{
    size_t i = first_above(img, a);
    if (i == img->nmaps || img->maps[i].lo > a || !img->maps[i].local || a + size < a)
        return NULL;
    const char *at = img->maps[i].local + (a - img->maps[i].lo);
    /* An object may reach over mappings that follow one another (one of them was mprotected, say). */
    for (; a + size > img->maps[i].hi; i++) {
        const struct oak__mapping *m = &img->maps[i];
        if (i + 1 == img->nmaps || m[1].lo != m->hi || !m[1].local ||
            m[1].local != m->local + (m->hi - m->lo))
            return NULL;
    }
    return at;
}

void oak__image_pages(struct oak__image *img, const struct oak__mapping *m, uintptr_t lo, uintptr_t hi,
                      void (*fn)(void *arg, uintptr_t lo, uintptr_t hi), void *arg)
{
    if (lo >= hi)
        return;
    if (img->pages)
        img->pages(img, m, lo, hi, fn, arg);
    else if (m->local && m->flags & OAK__MAP_READ)
        fn(arg, lo, hi);
}
