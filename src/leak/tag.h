/*
 * Where a block was allocated, when the program is linked with liboakum-tags and that is on.
 *
 * Its malloc asks for 16 bytes more and writes at the block's end who called it, and a word that only such a block has
 * there: so nothing is kept elsewhere, nothing is to be done at free, and a block that was not allocated so, or whose end
 * the program has written to (malloc_usable_size(3) allows that), merely has no tag.
 *
 * Internal to leak, and liboakum-tags.
 */
#ifndef OAK_LEAK_TAG_H
#define OAK_LEAK_TAG_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct oak__tag {
    uintptr_t site;  /* return address of the call of malloc */
    uintptr_t check; /* oak__tag_check */
};

/* end: the address where the block ends. */
static inline uintptr_t oak__tag_check(uintptr_t site, uintptr_t end)
{
    return (site ^ end) * 0x9e3779b97f4a7c15u ^ 0x6f616b2174616773u;
}

/* What is at the end of a block: local is where it can be read. 0: no tag. */
static inline uintptr_t oak__tag_read(const char *local, uintptr_t lo, uintptr_t hi)
{
    struct oak__tag t;
    if (hi - lo < sizeof t)
        return 0;
    memcpy(&t, local + (hi - lo) - sizeof t, sizeof t);
    return t.check == oak__tag_check(t.site, hi) ? t.site : 0;
}

#define oak__tag_site(block) oak__tag_read((block)->local, (block)->lo, (block)->hi)

#endif
