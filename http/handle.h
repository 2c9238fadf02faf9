/*
 * Handles begin with a tag that says what they are: so a handle of another kind, or one that was given back (as long as its
 * memory is not used again), is told. For files under http/ only.
 */
#ifndef OAK_HTTP_HANDLE_H
#define OAK_HTTP_HANDLE_H

#include <stddef.h>
#include <stdint.h>

enum http_tag {
    TAG_NONE = 0,
    TAG_SERVER = 0x6f616b31,
    TAG_ROUTER,
    TAG_REQUEST, /* this and the next: while a handler runs */
    TAG_RESPONSE,
    TAG_CLIENT,
    TAG_CALL,
};

#define http_set_tag(h, t) __atomic_store_n(&(h)->tag, (uint32_t)(t), __ATOMIC_RELAXED)
#define http_is(h, t)      (http_tag_of(h) == (uint32_t)(t))

/* Not as a member: what h points to may be no such struct at all, nor aligned like one. */
static inline uint32_t http_tag_of(const void *h)
{
    return h ? __atomic_load_n((const uint32_t *)h, __ATOMIC_RELAXED) : TAG_NONE;
}

#endif
