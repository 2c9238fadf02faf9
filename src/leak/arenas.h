/*
 * glibc's arenas in a memory image, and what of their layout is used (2.27 and newer).
 *
 *     mutex, flags, have_fastchunks   16 bytes
 *     fastbins                        10 pointers
 *     top, last_remainder
 *     bins                            127 list heads; an empty one points 16 bytes before itself
 *     binmap                          16 bytes
 *     next                            the ring of all arenas
 *     next_free, attached_threads, system_mem
 *
 * Internal to the heap walk.
 */
#ifndef OAK_LEAK_ARENAS_H
#define OAK_LEAK_ARENAS_H

#include "leak/heap.h"

enum {
    ARENA_FASTBINS = 16,
    ARENA_NFASTBINS = 10,
    ARENA_TOP = 96,
    ARENA_BINS = 112,
    ARENA_NBINS = 127,
    ARENA_NEXT = ARENA_BINS + 254 * 8 + 16,
    ARENA_SYSTEM_MEM = ARENA_NEXT + 24,
    ARENA_SIZE = ARENA_SYSTEM_MEM + 16,
    /* Each heap of a thread arena is aligned to this (without huge pages). */
    HEAP_ALIGN = 64 << 20,
    /* A chunk: the previous one's size if that is free, its own size | flags, then the program's bytes. */
    CHUNK_HEADER = 16,
    CHUNK_LEAST = 32,
    CHUNK_PREV_USED = 1,
    CHUNK_MAPPED = 2,
    CHUNK_THREAD_ARENA = 4,
    CHUNK_FLAGS = 7,
};

/* Calls fn for the main arena and then each thread arena until it returns false. False: the ring is broken. */
bool oak__arenas_each(const struct oak__image *img, const struct oak__arenas *a,
                      bool (*fn)(const struct oak__image *img, uintptr_t arena, bool main, void *arg),
                      void *arg);

/* Where the main arena begins: the program break at malloc's first call. */
uintptr_t oak__main_start(const struct oak__image *img, uintptr_t arena);

/* ---- heap_free.c ---- */
/* Notes a used chunk that may be a thread's cache. bytes: what is in it. */
void oak__tcache_note(struct oak__heap *h, uintptr_t chunk, uint64_t size, const char *bytes);

/* ---- heap_large.c ---- */
/* Finds the chunks that malloc mapped by themselves, if they can be told for sure. 0 or -ENOMEM. */
int oak__heap_find_large(struct oak__image *img, const struct oak__arenas *a, struct oak__scratch *s,
                         struct oak__heap *h);
/* mp_.mmapped_mem's address by mp_.sbrk_base, or 0. */
uintptr_t oak__params_find(const struct oak__image *img, uintptr_t near, uintptr_t sbrk_base);

#endif
