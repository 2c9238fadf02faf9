/* A growing piece of text that starts in somebody's fixed storage, or in none. For files under http/ only. */
#ifndef OAK_HTTP_BUF_H
#define OAK_HTTP_BUF_H

#include <stddef.h>
#include <string.h>

struct http_buf {
    char *data;
    size_t len, cap;
    char *first;
    size_t first_cap;
};

static inline void http_buf_init(struct http_buf *b, void *storage, size_t size)
{
    *b = (struct http_buf){.data = storage, .cap = size, .first = storage, .first_cap = size};
}

/* Empty, and back in its first storage. */
void oak__http_buf_free(struct http_buf *b);
/* Empty; keeps up to `keep` bytes of room. */
void oak__http_buf_reset(struct http_buf *b, size_t keep);
/* Room for n more bytes. 0 or -ENOMEM. */
int oak__http_buf_room(struct http_buf *b, size_t n);
/* 0 or -ENOMEM. */
int oak__http_buf_add(struct http_buf *b, const void *data, size_t n);

/* For who has made room. */
static inline void http_put(struct http_buf *b, const void *data, size_t n)
{
    memcpy(b->data + b->len, data, n);
    b->len += n;
}
#define http_put_lit(b, lit) http_put((b), "" lit, sizeof(lit) - 1)
/* A number in decimal; at most 20 bytes. */
void oak__http_put_number(struct http_buf *b, unsigned long long v);

#endif
