#include "inbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Connections begin with little room, as most are idle; one that needed more keeps up to so much. */
#define KEEP_MOST 8192

void oak__http_in_init(struct http_inbuf *in, void *storage, size_t size)
{
    *in = (struct http_inbuf){.data = storage, .cap = size, .first = storage, .first_cap = size};
}

void oak__http_in_free(struct http_inbuf *in)
{
    if (in->data != in->first)
        free(in->data);
    oak__http_in_init(in, in->first, in->first_cap);
}

static int grow(struct http_inbuf *in, size_t cap)
{
    char *bigger = malloc(cap);
    if (!bigger)
        return -ENOMEM;
    memcpy(bigger, in->data, in->end);
    if (in->data != in->first)
        free(in->data);
    in->data = bigger;
    in->cap = cap;
    return 0;
}

int oak__http_in_room(struct http_inbuf *in, size_t need)
{
    if (in->start == in->end)
        in->start = in->end = in->floor;
    if (in->cap - in->end >= need)
        return 0;
    if (in->start > in->floor) {
        size_t len = http_in_len(in);
        memmove(in->data + in->floor, in->data + in->start, len);
        in->start = in->floor;
        in->end = in->floor + len;
    }
    if (in->cap - in->end >= need)
        return 0;
    size_t cap = in->cap * 2;
    while (cap - in->end < need)
        cap *= 2;
    return grow(in, cap);
}

void oak__http_in_recycle(struct http_inbuf *in)
{
    in->floor = 0;
    if (in->start != in->end)
        return;
    if (in->cap > KEEP_MOST)
        oak__http_in_free(in);
    in->start = in->end = 0;
}
