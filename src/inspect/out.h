/*
 * Where a report is written: a stream, or a descriptor when the C library's streams cannot be trusted.
 * Neither form allocates by itself.
 *
 * Internal: inspect, leak, scope may include it.
 */
#ifndef OAK_INSPECT_OUT_H
#define OAK_INSPECT_OUT_H

#include "base/common.h"

#include <stdio.h>

struct oak__out {
    FILE *f; /* NULL: fd */
    int fd;
    int err; /* the first failure, negative errno; later writes do nothing */
};

#define OAK__OUT_FILE(stream)                                                                                \
    {                                                                                                        \
        .f = (stream)                                                                                        \
    }
#define OAK__OUT_FD(descriptor)                                                                              \
    {                                                                                                        \
        .fd = (descriptor)                                                                                   \
    }

void oak__out_bytes(struct oak__out *o, const char *text, size_t n);
/* As printf; one piece is cut at 511 bytes. */
void oak__outf(struct oak__out *o, const char *fmt, ...) OAK_PRINTF(2, 3);

/* "80 ms", "12.3 s", "5 min", "3 h". */
void oak__out_age(struct oak__out *o, int64_t ns);
/* "1 goroutine", "3 goroutines". */
void oak__out_count(struct oak__out *o, uint64_t n, const char *noun);

#endif
