/* The body of a message: how much of what is in the buffer belongs to it. */
#include "message.h"

#include <errno.h>
#include <string.h>

/*
 * A chunk's own lines may be this long all together, besides 16 bytes for each chunk and as much again as the
 * body: extensions and trailers cannot keep a server reading for ever.
 */
#define FRAMING_PER_CHUNK 16

/* What lies between m->frame and `to` is framing: its lines end in CR LF and nothing else. */
int oak__http_framing(struct http_msg *m, const char *to)
{
    for (const char *p = m->frame; p < to; p++) {
        if ((*p == '\n') != (m->last == '\r'))
            return HPE_USER;
        m->last = *p;
    }
    m->framing += (size_t)(to - m->frame);
    m->frame = to;
    uint64_t allowed = m->bounds->head + m->chunks * FRAMING_PER_CHUNK;
    return m->framing > allowed ? HPE_USER : 0;
}

static ssize_t fail(struct http_msg *m, int err)
{
    m->body_error = err;
    return err;
}

/* Counts body bytes that are about to be handed out. */
static ssize_t hand_out(struct http_msg *m, size_t n)
{
    if (n > m->bounds->body - m->got)
        return fail(m, -EMSGSIZE);
    m->got += n;
    if (m->body == HTTP_BODY_LENGTH && m->got == m->length)
        m->body_done = true;
    return (ssize_t)n;
}

/* Feeds llhttp no more than fits the caller's buffer: body bytes are never more than fed ones. */
static ssize_t chunked(struct http_msg *m, char *out, size_t size)
{
    struct http_inbuf *in = m->in;
    m->into = out;
    m->put = 0;
    while (m->put == 0 && !m->body_done && in->start < in->end) {
        size_t n = http_in_len(in);
        char *from = in->data + in->start;
        if (n > size)
            n = size;
        m->frame = from;
        llhttp_resume(&m->ll);
        llhttp_errno_t rc = llhttp_execute(&m->ll, from, n);
        if (rc != HPE_OK && !(rc == HPE_PAUSED && m->body_done))
            return fail(m, -EBADMSG);
        const char *end = m->body_done ? llhttp_get_error_pos(&m->ll) : from + n;
        if (oak__http_framing(m, end))
            return fail(m, -EBADMSG);
        in->start += (size_t)(end - from);
    }
    if (m->put)
        return hand_out(m, m->put);
    return m->body_done ? 0 : -EAGAIN;
}

static ssize_t plain(struct http_msg *m, char *out, size_t size)
{
    struct http_inbuf *in = m->in;
    size_t n = http_in_len(in);
    if (n == 0)
        return -EAGAIN;
    if (n > size)
        n = size;
    if (m->body == HTTP_BODY_LENGTH && n > m->length - m->got)
        n = (size_t)(m->length - m->got);
    memcpy(out, in->data + in->start, n);
    in->start += n;
    return hand_out(m, n);
}

ssize_t oak__http_msg_body(struct http_msg *m, void *out, size_t size)
{
    if (m->body_error)
        return m->body_error;
    if (m->body_done)
        return 0;
    /* Known to be too long: not a byte of it need be read. */
    if (m->body == HTTP_BODY_LENGTH && m->length > m->bounds->body)
        return fail(m, -EMSGSIZE);
    return m->body == HTTP_BODY_CHUNKED ? chunked(m, out, size) : plain(m, out, size);
}

size_t oak__http_msg_direct(const struct http_msg *m, size_t size)
{
    if (m->body == HTTP_BODY_CHUNKED || size < m->in->cap / 2)
        return 0;
    if (m->body == HTTP_BODY_LENGTH && size > m->length - m->got)
        return (size_t)(m->length - m->got);
    return size;
}

ssize_t oak__http_msg_took(struct http_msg *m, size_t n)
{
    return hand_out(m, n);
}

int oak__http_msg_eof(struct http_msg *m)
{
    if (m->body == HTTP_BODY_EOF && m->complete) {
        m->body_done = true;
        return 0;
    }
    return (int)fail(m, -EBADMSG);
}
