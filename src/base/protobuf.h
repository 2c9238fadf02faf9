/*
 * Writes protocol buffers (the wire format, protobuf.dev/programming-guides/encoding): what profiles are made of.
 *
 * A message is written field by field into a buffer that grows. When memory is out, that is remembered and nothing more is
 * written: it is enough to look at the end.
 */
#ifndef OAK_BASE_PROTOBUF_H
#define OAK_BASE_PROTOBUF_H

#include "base/common.h"

struct oak__pb {
    unsigned char *data; /* from oak__malloc; the caller's to free (oak__pb_free) */
    size_t n, room;
    bool failed; /* memory was out; data is not whole */
};

void oak__pb_free(struct oak__pb *b);
/* Bytes as they are. */
void oak__pb_raw(struct oak__pb *b, const void *data, size_t n);
/* A number; int64_t is passed as its bits. Left out when it is 0, which is what a reader takes a missing one for. */
void oak__pb_number(struct oak__pb *b, unsigned field, uint64_t value);
/* A repeated number, packed. */
void oak__pb_numbers(struct oak__pb *b, unsigned field, const uint64_t *values, size_t n);
/* A string or bytes; written also when empty. */
void oak__pb_bytes(struct oak__pb *b, unsigned field, const void *data, size_t n);
/* What is written between begin and end is a message in that field. They nest. */
size_t oak__pb_begin(struct oak__pb *b);
void oak__pb_end(struct oak__pb *b, unsigned field, size_t begin);

/* Appends data as a gzip file that is not compressed: for readers that want one. */
void oak__pb_gzip(struct oak__pb *b, const void *data, size_t n);

#endif
