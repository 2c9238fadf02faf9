/*
 * Which pages of a process are there, as the kernel tells: the PAGEMAP_SCAN ioctl (Linux 6.7), and /proc/PID/pagemap word by
 * word. Internal to leak, and the tool.
 */
#ifndef OAK_LEAK_PAGEMAP_H
#define OAK_LEAK_PAGEMAP_H

#include "leak/raw.h"

#include <sys/ioctl.h>

/* <linux/fs.h> of Linux 6.7. */
struct pagemap_region {
    uint64_t start, end, categories;
};
struct pagemap_scan {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGEMAP_SCAN_IOCTL _IOWR('f', 16, struct pagemap_scan)
enum {
    PAGE_IS_OF_FILE = 4,
    PAGE_IS_THERE = 8,
    PAGE_IS_IN_SWAP = 16,
    PAGE_IS_ZERO = 32,
    PAGE_IS_GUARD = 256, /* Linux 6.15 */
};

/* Bits of a word of pagemap. */
#define PM_PRESENT ((uint64_t)1 << 63)
#define PM_SWAPPED ((uint64_t)1 << 62)
#define PM_FILE    ((uint64_t)1 << 61)
#define PM_GUARD   ((uint64_t)1 << 58) /* Linux 6.15 */

static inline bool pagemap_word_written(uint64_t w)
{
    return w & (PM_PRESENT | PM_SWAPPED) && !(w & (PM_FILE | PM_GUARD));
}

/* Pages of [lo, hi) that are there and of none of the categories `without`, as regions: how many, or negative errno (-EINVAL:
 * the kernel does not know one of them). *end: where to go on. */
static inline long pagemap_scan(int fd, uintptr_t lo, uintptr_t hi, uint64_t without,
                                struct pagemap_region *vec, size_t n, uint64_t *end)
{
    struct pagemap_scan a = {.size = sizeof a, .start = lo, .end = hi, .vec = (uintptr_t)vec, .vec_len = n};
    a.category_inverted = a.category_mask = without;
    a.category_anyof_mask = PAGE_IS_THERE | PAGE_IS_IN_SWAP;
    a.return_mask = PAGE_IS_OF_FILE;
    long rc = raw(SYS_ioctl, fd, PAGEMAP_SCAN_IOCTL, &a);
    *end = a.walk_end;
    return rc;
}

/* The same of those that were written to. */
static inline long pagemap_written(int fd, uintptr_t lo, uintptr_t hi, struct pagemap_region *vec, size_t n,
                                   uint64_t *end)
{
    return pagemap_scan(fd, lo, hi, PAGE_IS_OF_FILE | PAGE_IS_ZERO, vec, n, end);
}

#endif
