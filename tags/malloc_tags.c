/*
 * liboakum-tags: a malloc that notes who called it.
 *
 * Linked before the C library, its malloc, calloc and realloc stand before glibc's, which they call. All that they do is to
 * ask for 16 bytes more and to write a tag at the block's end (src/leak/tag.h). free is glibc's own.
 */
#include "leak/tag.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* glibc's own, by their other names. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

enum { UNKNOWN, OFF, ON };
static _Atomic int state;

/* malloc is called before the C library has set the environment up; then it is asked again. */
static bool is_on(void)
{
    int s = atomic_load_explicit(&state, memory_order_relaxed);
    if (s == UNKNOWN) {
        const char *wanted = getenv("OAK_MALLOC_TAGS");
        s = wanted && strcmp(wanted, "1") == 0 ? ON : OFF;
        if (environ)
            atomic_store_explicit(&state, s, memory_order_relaxed);
    }
    return s == ON;
}

static size_t with_room(size_t size)
{
    return size <= SIZE_MAX - sizeof(struct oak__tag) ? size + sizeof(struct oak__tag) : size;
}

static void *tag(void *p, const void *site)
{
    if (!p)
        return NULL;
    char *end = (char *)p + malloc_usable_size(p);
    const struct oak__tag t = {(uintptr_t)site, oak__tag_check((uintptr_t)site, (uintptr_t)end)};
    memcpy(end - sizeof t, &t, sizeof t);
    return p;
}

#define EXPORT __attribute__((visibility("default"), noinline))

EXPORT void *malloc(size_t size)
{
    if (!is_on())
        return __libc_malloc(size);
    return tag(__libc_malloc(with_room(size)), __builtin_return_address(0));
}

EXPORT void *calloc(size_t n, size_t size)
{
    size_t all;
    if (!is_on() || __builtin_mul_overflow(n, size, &all))
        return __libc_calloc(n, size);
    return tag(__libc_calloc(1, with_room(all)), __builtin_return_address(0));
}

/* A size of 0 frees, as it does without us. */
EXPORT void *realloc(void *p, size_t size)
{
    if (!is_on() || (p && !size))
        return __libc_realloc(p, size);
    return tag(__libc_realloc(p, with_room(size)), __builtin_return_address(0));
}
