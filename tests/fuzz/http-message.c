/*
 * Fuzz target: the HTTP parser glue. Whatever the bytes: no memory error, no endless loop, and the outcome
 * does not depend on how they were cut into pieces. The first two bytes of an input say what is read and how
 * it is cut.
 */
#include "../../http/message.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct http_bounds bounds = {.head = 2048, .fields = 24, .body = 1 << 16};

/* All that a reader of the bytes would learn. */
struct outcome {
    uint64_t hash;
    unsigned messages;
    int end; /* how it ended: negative errno or a status */
};

static void mix(struct outcome *o, const void *data, size_t size)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < size; i++)
        o->hash = (o->hash ^ at[i]) * 0x100000001b3u;
}

struct source {
    struct http_inbuf in;
    const uint8_t *bytes;
    size_t size, step;
};

static int feed(struct source *s)
{
    size_t n = s->size < s->step ? s->size : s->step;
    if (n == 0)
        return -EPIPE;
    if (oak__http_in_room(&s->in, n))
        abort();
    memcpy(s->in.data + s->in.end, s->bytes, n);
    s->in.end += n;
    s->bytes += n;
    s->size -= n;
    return 0;
}

static int read_head(struct http_msg *m, struct source *s, struct outcome *o)
{
    int rc;
    while ((rc = oak__http_msg_head(m)) == -EAGAIN)
        if ((rc = feed(s)))
            return rc;
    if (rc)
        return rc;
    for (size_t i = 0; i < m->nfields; i++) {
        const char *name, *value;
        oak__http_field_at(m, i, &name, &value);
        if (strlen(name) != m->fields[i].name.len || strlen(value) != m->fields[i].value.len)
            abort();
        mix(o, name, strlen(name) + 1);
        mix(o, value, strlen(value) + 1);
    }
    mix(o, m->text + m->target.at, m->target.len + 1);
    mix(o, &m->keep_alive, 1);
    mix(o, &m->length, sizeof m->length);
    return 0;
}

static int read_body(struct http_msg *m, struct source *s, struct outcome *o, size_t piece)
{
    char *out = malloc(piece); /* exactly so large, for the address sanitizer */
    int rc = 0;
    for (;;) {
        ssize_t n = oak__http_msg_body(m, out, piece);
        if (n == -EAGAIN) {
            if ((rc = feed(s)) == -EPIPE)
                rc = oak__http_msg_eof(m);
            if (rc)
                break;
            continue;
        }
        if (n <= 0) {
            rc = (int)n;
            break;
        }
        mix(o, out, (size_t)n);
    }
    free(out);
    return rc;
}

static struct outcome read_all(const uint8_t *bytes, size_t size, llhttp_type_t type, size_t step,
                               size_t piece)
{
    struct outcome o = {.hash = 0xcbf29ce484222325u};
    struct source s = {.bytes = bytes, .size = size, .step = step};
    char storage[128];
    struct http_msg m;
    oak__http_in_init(&s.in, storage, sizeof storage);
    oak__http_msg_init(&m, type, &s.in, &bounds);
    while (o.end == 0) {
        o.end = read_head(&m, &s, &o);
        if (o.end == 0)
            o.end = read_body(&m, &s, &o, piece);
        if (o.end == 0)
            o.messages++;
        if (o.end == 0 && !m.keep_alive)
            break;
        if (o.end == 0)
            oak__http_msg_next(&m);
    }
    oak__http_msg_free(&m);
    oak__http_in_free(&s.in);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    llhttp_type_t type = data[0] & 1 ? HTTP_RESPONSE : HTTP_REQUEST;
    size_t step = (size_t)(data[0] >> 1) + 1, piece = (size_t)data[1] * 8 + 1;
    struct outcome whole = read_all(data + 2, size - 2, type, size, 4096);
    struct outcome cut = read_all(data + 2, size - 2, type, step, piece);
    /* A message that is refused may have handed out more or less of its body before: what counts is that it
     * is. */
    if (whole.messages != cut.messages || (whole.end == 0) != (cut.end == 0))
        abort();
    if (whole.end == 0 && whole.hash != cut.hash)
        abort();
    return 0;
}
