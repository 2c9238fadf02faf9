/* Heapsort, in place: the C library's sort may allocate. Internal to leak. */
#ifndef OAK_LEAK_SORT_H
#define OAK_LEAK_SORT_H

#include "base/common.h"

/* Sorts n records of size bytes (at most 128) by the uintptr_t that each begins with. */
void oak__sort(void *records, size_t n, size_t size);
/* Index of the first record whose first word is above key. */
size_t oak__sorted_above(const void *records, size_t n, size_t size, uintptr_t key);

/* The same of ranges that do not overlap, each a record that begins with lo and hi: the first one that ends above key. */
size_t oak__sorted_ending_above(const void *ranges, size_t n, size_t size, uintptr_t key);

struct oak__span;
/* Sorts spans; those that overlap or touch become one. How many are left. */
size_t oak__spans_tidy(struct oak__span *spans, size_t n);

#endif
