#include "base/protobuf.h"

#include "base/os.h"

#include <string.h>

enum { VARINT = 0, LENGTH = 2, FIRST_ROOM = 4096, MOST_VARINT = 10 };

void oak__pb_free(struct oak__pb *b)
{
    oak__free(b->data);
    *b = (struct oak__pb){.data = NULL};
}

static bool make_room(struct oak__pb *b, size_t n)
{
    if (!b->failed && n > b->room - b->n) {
        size_t room = b->room ? b->room : FIRST_ROOM;
        while (room - b->n < n)
            room *= 2;
        unsigned char *more = oak__malloc(room);
        if (more && b->n)
            memcpy(more, b->data, b->n);
        b->failed = !more;
        if (more) {
            oak__free(b->data);
            b->data = more;
            b->room = room;
        }
    }
    return !b->failed;
}

void oak__pb_raw(struct oak__pb *b, const void *data, size_t n)
{
    if (!n || !make_room(b, n))
        return;
    memcpy(b->data + b->n, data, n);
    b->n += n;
}

static size_t encode(unsigned char to[MOST_VARINT], uint64_t v)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        to[n++] = (unsigned char)(v | 0x80);
    to[n++] = (unsigned char)v;
    return n;
}

static void varint(struct oak__pb *b, uint64_t v)
{
    unsigned char bytes[MOST_VARINT];
    oak__pb_raw(b, bytes, encode(bytes, v));
}

void oak__pb_number(struct oak__pb *b, unsigned field, uint64_t value)
{
    if (!value)
        return;
    varint(b, (uint64_t)field << 3 | VARINT);
    varint(b, value);
}

void oak__pb_bytes(struct oak__pb *b, unsigned field, const void *data, size_t n)
{
    varint(b, (uint64_t)field << 3 | LENGTH);
    varint(b, n);
    oak__pb_raw(b, data, n);
}

size_t oak__pb_begin(struct oak__pb *b)
{
    return b->n;
}

/* The length stands before the content and is known only now: the content moves. */
void oak__pb_end(struct oak__pb *b, unsigned field, size_t begin)
{
    unsigned char head[2 * MOST_VARINT];
    if (b->failed)
        return;
    const size_t n = b->n - begin;
    size_t k = encode(head, (uint64_t)field << 3 | LENGTH);
    k += encode(head + k, n);
    if (!make_room(b, k))
        return;
    memmove(b->data + begin + k, b->data + begin, n);
    memcpy(b->data + begin, head, k);
    b->n += k;
}

void oak__pb_numbers(struct oak__pb *b, unsigned field, const uint64_t *values, size_t n)
{
    if (!n)
        return;
    size_t begin = oak__pb_begin(b);
    for (size_t i = 0; i < n; i++)
        varint(b, values[i]);
    oak__pb_end(b, field, begin);
}
