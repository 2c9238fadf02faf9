#include "leak/image.h"

#include "leak/sort.h"
#include "stack/away.h"

/* Index of the first mapping that ends above a. */
static size_t first_above(const struct oak__image *img, uintptr_t a)
{
    return oak__sorted_ending_above(img->maps, img->nmaps, sizeof *img->maps, a);
}

const struct oak__mapping *oak__image_mapping(const struct oak__image *img, uintptr_t a)
{
    size_t i = first_above(img, a);
    return i < img->nmaps && img->maps[i].lo <= a ? &img->maps[i] : NULL;
}

static const void *bytes_at(const struct oak__image *img, uintptr_t a, size_t size)
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

uintptr_t oak__image_away(const struct oak__image *img, uintptr_t a)
{
    for (size_t i = 0; i < img->nmoved; i++) {
        const struct oak__moved *r = &img->moved[i];
        if (a < r->lo || a >= r->hi)
            continue;
        const uintptr_t *word = bytes_at(img, r->words + (a - r->lo) / r->slot * sizeof *word, sizeof *word);
        return word ? *word : 0;
    }
    return 0;
}

/* In the record; what is not there was not in use. */
static const void *kept_at(const struct oak__image *img, uintptr_t kept, uintptr_t a, size_t size)
{
    const struct oak__kept *k = bytes_at(img, kept, sizeof *k);
    uintptr_t sp = k ? (uintptr_t)k->sp : 0;
    if (!k || a < sp || a - sp > k->size || size > k->size - (a - sp))
        return NULL;
    return bytes_at(img, kept + sizeof *k + (a - sp), size);
}

const void *oak__image_at(const struct oak__image *img, uintptr_t a, size_t size)
{
    const uintptr_t word = img->nmoved ? oak__image_away(img, a) : 0;
    switch (OAK__AWAY_STATE(word)) {
    case OAK__STACK_COPIED:
    case OAK__STACK_AWAY:
        return kept_at(img, OAK__AWAY_KEPT(word), a, size);
    case OAK__STACK_COMING:
        return NULL;
    default:
        return bytes_at(img, a, size);
    }
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
