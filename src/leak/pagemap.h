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
enum { PAGE_IS_OF_FILE = 4, PAGE_IS_THERE = 8, PAGE_IS_IN_SWAP = 16, PAGE_IS_ZERO = 32 };

/* Bits of a word of pagemap. */
#define PM_PRESENT ((uint64_t)1 << 63)
#define PM_SWAPPED ((uint64_t)1 << 62)
#define PM_FILE    ((uint64_t)1 << 61)

/* Pages of [lo, hi) that were written to, as regions: how many, or negative errno. *end: where to go on. */
static inline long pagemap_written(int fd, uintptr_t lo, uintptr_t hi, struct pagemap_region *vec, size_t n,
                                   uint64_t *end)
{
    struct pagemap_scan a = {.size = sizeof a, .start = lo, .end = hi, .vec = (uintptr_t)vec, .vec_len = n};
    a.category_inverted = a.category_mask = PAGE_IS_OF_FILE | PAGE_IS_ZERO;
    a.category_anyof_mask = PAGE_IS_THERE | PAGE_IS_IN_SWAP;
    a.return_mask = PAGE_IS_OF_FILE;
    long rc = raw(SYS_ioctl, fd, PAGEMAP_SCAN_IOCTL, &a);
    *end = a.walk_end;
    return rc;
}

#endif
