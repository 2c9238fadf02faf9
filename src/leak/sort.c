#include "leak/sort.h"

#include "leak/image.h"

#include <string.h>

enum { MOST_SIZE = 128 };

struct array {
    char *base;
    size_t size;
};

static uintptr_t key_at(const struct array *a, size_t i)
{
    uintptr_t k;
    memcpy(&k, a->base + i * a->size, sizeof k);
    return k;
}

static void swap(const struct array *a, size_t i, size_t k)
{
    char t[MOST_SIZE];
    memcpy(t, a->base + i * a->size, a->size);
    memcpy(a->base + i * a->size, a->base + k * a->size, a->size);
    memcpy(a->base + k * a->size, t, a->size);
}

static void sift_down(const struct array *a, size_t at, size_t n)
{
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && key_at(a, child + 1) > key_at(a, child))
            child++;
        if (key_at(a, at) >= key_at(a, child))
            return;
        swap(a, at, child);
    }
}

void oak__sort(void *records, size_t n, size_t size)
{
    const struct array a = {records, size};
    oak__check(size <= MOST_SIZE, "records to sort are small");
    for (size_t i = n / 2; i-- > 0;)
        sift_down(&a, i, n);
    for (size_t i = n; i-- > 1;) {
        swap(&a, 0, i);
        sift_down(&a, 0, i);
    }
}

/* The first record whose word number `word` is above key. */
static size_t first_above(const void *records, size_t n, size_t size, size_t word, uintptr_t key)
{
    const char *at = (const char *)records + word * sizeof key;
    size_t lo = 0, hi = n;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        uintptr_t w;
        memcpy(&w, at + mid * size, sizeof w);
        if (w <= key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

size_t oak__sorted_above(const void *records, size_t n, size_t size, uintptr_t key)
{
    return first_above(records, n, size, 0, key);
}

size_t oak__sorted_ending_above(const void *ranges, size_t n, size_t size, uintptr_t key)
{
    return first_above(ranges, n, size, 1, key);
}

size_t oak__spans_tidy(struct oak__span *spans, size_t n)
{
    size_t left = 0;
    oak__sort(spans, n, sizeof *spans);
    for (size_t i = 0; i < n; i++)
        if (left && spans[i].lo <= spans[left - 1].hi) {
            if (spans[i].hi > spans[left - 1].hi)
                spans[left - 1].hi = spans[i].hi;
        } else {
            spans[left++] = spans[i];
        }
    return left;
}
