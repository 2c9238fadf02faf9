/* Hashing, for tables: multiplication by the golden ratio (Knuth, The Art of Computer Programming 3, 6.4). Any folder may include it. */
#ifndef OAK_BASE_HASH_H
#define OAK_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define OAK__GOLDEN_RATIO 0x9e3779b97f4a7c15u

/* h, with one more word. */
static inline uint64_t hash_mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * OAK__GOLDEN_RATIO;
    return h ^ h >> 29;
}

/* Of the address of an object of 16 bytes or more; its low bits are good ones. */
static inline size_t hash_address(uintptr_t a)
{
    return (a >> 4) * OAK__GOLDEN_RATIO >> 20;
}

#endif
