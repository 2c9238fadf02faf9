#include "buf.h"

#include <errno.h>
#include <stdlib.h>

void oak__http_buf_free(struct http_buf *b)
{
    if (b->data != b->first)
        free(b->data);
    http_buf_init(b, b->first, b->first_cap);
}

void oak__http_buf_reset(struct http_buf *b, size_t keep)
{
    if (b->cap > keep)
        oak__http_buf_free(b);
    b->len = 0;
}

int oak__http_buf_room(struct http_buf *b, size_t n)
{
    if (b->cap - b->len >= n)
        return 0;
    size_t cap = b->cap ? b->cap : 256;
    while (cap - b->len < n)
        cap *= 2;
    char *bigger = malloc(cap);
    if (!bigger)
        return -ENOMEM;
    if (b->len)
        memcpy(bigger, b->data, b->len);
    if (b->data != b->first)
        free(b->data);
    b->data = bigger;
    b->cap = cap;
    return 0;
}

int oak__http_buf_add(struct http_buf *b, const void *data, size_t n)
{
    int rc = oak__http_buf_room(b, n);
    if (rc == 0 && n)
        http_put(b, data, n);
    return rc;
}

void oak__http_put_number(struct http_buf *b, unsigned long long v)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + v % 10);
    while (v /= 10);
    http_put(b, digits + at, sizeof digits - at);
}
