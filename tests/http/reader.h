/* Feeds the parser glue from memory, in pieces of any size. */
#ifndef OAK_TEST_HTTP_READER_H
#define OAK_TEST_HTTP_READER_H

#include "../../http/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define MAYBE_UNUSED __attribute__((unused))

static MAYBE_UNUSED const struct http_bounds roomy = {.head = 64 << 10, .fields = 128, .body = 1 << 20};

struct reader {
    struct http_inbuf in;
    struct http_msg m;
    char storage[256];
    const char *bytes;
    size_t size, fed, step;
};

static MAYBE_UNUSED void reader_init(struct reader *r, llhttp_type_t type, const struct http_bounds *b,
                                     const char *bytes, size_t size, size_t step)
{
    oak__http_in_init(&r->in, r->storage, sizeof r->storage);
    oak__http_msg_init(&r->m, type, &r->in, b);
    r->bytes = bytes;
    r->size = size;
    r->fed = 0;
    r->step = step;
}

static MAYBE_UNUSED void reader_free(struct reader *r)
{
    oak__http_msg_free(&r->m);
    oak__http_in_free(&r->in);
}

/* The next step bytes; false at the end. */
static MAYBE_UNUSED bool feed(struct reader *r)
{
    size_t n = r->size - r->fed < r->step ? r->size - r->fed : r->step;
    if (n == 0)
        return false;
    assert_int_equal(oak__http_in_room(&r->in, n), 0);
    memcpy(r->in.data + r->in.end, r->bytes + r->fed, n);
    r->in.end += n;
    r->fed += n;
    return true;
}

static MAYBE_UNUSED int read_head(struct reader *r)
{
    for (;;) {
        int rc = oak__http_msg_head(&r->m);
        if (rc != -EAGAIN || !feed(r))
            return rc;
    }
}

static MAYBE_UNUSED ssize_t read_body(struct reader *r, char *out, size_t size)
{
    size_t got = 0;
    for (;;) {
        ssize_t n = oak__http_msg_body(&r->m, out + got, size - got);
        if (n == -EAGAIN && feed(r))
            continue;
        if (n <= 0)
            return n == 0 ? (ssize_t)got : n;
        got += (size_t)n;
    }
}

#endif
