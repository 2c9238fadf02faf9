/*
 * Where glibc keeps its books.
 *
 * main_arena is not exported, but no other object looks like it: 127 list heads side by side of which each empty
 * one points to the place 16 bytes before itself, followed by a ring of arenas that leads back to it. It lies in
 * libc's (or a static program's) initialised data.
 */
#include "leak/arenas.h"

enum { MOST_ARENAS = 65536 };

/* A list head: empty, or both links lead somewhere. */
static bool is_bin(const struct oak__image *img, uintptr_t bin)
{
    uint64_t fd = image_word(img, bin), bk = image_word(img, bin + 8);
    if (fd == bin - CHUNK_HEADER || bk == bin - CHUNK_HEADER)
        return fd == bk;
    return fd % 16 == 0 && bk % 16 == 0 && oak__image_at(img, fd, CHUNK_LEAST) &&
           oak__image_at(img, bk, CHUNK_LEAST);
}

static bool is_arena(const struct oak__image *img, uintptr_t arena)
{
    if (!oak__image_at(img, arena, ARENA_SIZE) || (uint32_t)image_word(img, arena) > 2)
        return false;
    for (unsigned i = 0; i < ARENA_NBINS; i++)
        if (!is_bin(img, arena + ARENA_BINS + 16ul * i))
            return false;
    return true;
}

/* A thread arena stands right behind the description of its first heap, which begins with its address. */
static bool is_thread_arena(const struct oak__image *img, uintptr_t arena)
{
    uintptr_t heap = arena & ~(uintptr_t)(HEAP_ALIGN - 1);
    return arena - heap >= 32 && arena - heap <= 256 && image_word(img, heap) == arena &&
           is_arena(img, arena);
}

bool oak__arenas_each(const struct oak__image *img, const struct oak__arenas *a,
                      bool (*fn)(const struct oak__image *img, uintptr_t arena, bool main, void *arg),
                      void *arg)
{
    if (!a->bins)
        return false;
    const uintptr_t first = a->bins - ARENA_BINS;
    uintptr_t arena = first;
    for (int i = 0; i < MOST_ARENAS; i++) {
        if (i > 0 && !is_thread_arena(img, arena))
            return false;
        if (!fn(img, arena, i == 0, arg))
            return true;
        arena = image_word(img, arena + ARENA_NEXT);
        if (arena == first)
            return true;
    }
    return false;
}

static bool any(const struct oak__image *img, uintptr_t arena, bool main, void *arg)
{
    (void)img, (void)arena, (void)main, (void)arg;
    return true;
}

uintptr_t oak__main_start(const struct oak__image *img, uintptr_t arena)
{
    uintptr_t top = image_word(img, arena + ARENA_TOP);
    uint64_t size = image_word(img, top + 8) & ~(uint64_t)CHUNK_FLAGS;
    return top + size - image_word(img, arena + ARENA_SYSTEM_MEM);
}

/* bin is a list head that is empty: is it one of a main arena? */
static bool found_from(const struct oak__image *img, uintptr_t bin, struct oak__arenas *out)
{
    for (unsigned i = 0; i < ARENA_NBINS; i++) {
        struct oak__arenas a = {.bins = bin - 16ul * i};
        if (!is_arena(img, a.bins - ARENA_BINS) || !oak__arenas_each(img, &a, any, NULL))
            continue;
        *out = a;
        out->params = oak__params_find(img, a.bins, oak__main_start(img, a.bins - ARENA_BINS));
        return true;
    }
    return false;
}

/* Everything that is mapped is looked at, also what the address sanitizer has put between variables. */
__attribute__((no_sanitize("address"))) static bool
search(const struct oak__image *img, const struct oak__mapping *m, struct oak__arenas *out)
{
    const uint64_t *w = (const uint64_t *)m->local;
    size_t n = (m->hi - m->lo) / 8;
    for (size_t i = 0; i + 1 < n; i++) {
        uintptr_t bin = m->lo + 8 * i;
        if (w[i] == bin - CHUNK_HEADER && w[i + 1] == w[i] && found_from(img, bin, out))
            return true;
    }
    return false;
}

void oak__arenas_find(const struct oak__image *img, struct oak__arenas *out)
{
    const uint32_t want = OAK__MAP_READ | OAK__MAP_WRITE | OAK__MAP_FILE;
    *out = (struct oak__arenas){0, 0};
    for (size_t i = 0; i < img->nmaps; i++) {
        const struct oak__mapping *m = &img->maps[i];
        if ((m->flags & (want | OAK__MAP_SHARED | OAK__MAP_KERNEL)) == want && m->local &&
            search(img, m, out))
            return;
    }
}

static bool count_busy(const struct oak__image *img, uintptr_t arena, bool main, void *arg)
{
    (void)main;
    *(size_t *)arg += (uint32_t)image_word(img, arena) != 0;
    return true;
}

size_t oak__arenas_busy(const struct oak__image *img, const struct oak__arenas *a)
{
    size_t busy = 0;
    /* A ring that does not close is one that is just being changed. */
    return oak__arenas_each(img, a, count_busy, &busy) ? busy : busy + 1;
}
