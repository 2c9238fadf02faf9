/* The head of a message: llhttp's call-backs note where things are, oak__http_msg_head drives it. */
#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct http_msg *msg_of(llhttp_t *ll)
{
    return ll->data;
}

static int refuse(struct http_msg *m, int status)
{
    m->refused = status;
    return HPE_USER;
}

/* Adds a piece that llhttp found; a piece that does not follow the one before is a folded line. */
static int extend(struct http_msg *m, struct http_span *s, const char *at, size_t len)
{
    uint32_t where = (uint32_t)(at - m->text);
    if (s->len == 0)
        s->at = where;
    else if (s->at + s->len != where)
        return refuse(m, 400);
    s->len += (uint32_t)len;
    return 0;
}

static int on_url(llhttp_t *ll, const char *at, size_t len)
{
    struct http_msg *m = msg_of(ll);
    return extend(m, &m->target, at, len);
}

static int another_field(struct http_msg *m)
{
    if (m->nfields == m->bounds->fields)
        return refuse(m, 431);
    if (m->nfields == m->fields_cap) {
        size_t cap = m->fields_cap * 2;
        struct http_header *more = malloc(cap * sizeof *more);
        if (!more)
            return refuse(m, 503);
        memcpy(more, m->fields, m->nfields * sizeof *more);
        if (m->fields != m->fields_inline)
            free(m->fields);
        m->fields = more;
        m->fields_cap = cap;
    }
    m->fields[m->nfields++] = (struct http_header){{0, 0}, {0, 0}};
    m->in_value = false;
    return 0;
}

static int on_field(llhttp_t *ll, const char *at, size_t len)
{
    struct http_msg *m = msg_of(ll);
    if (m->complete) /* a trailer: read over, and counted as framing */
        return 0;
    if (m->nfields == 0 || m->in_value) {
        int rc = another_field(m);
        if (rc)
            return rc;
    }
    return extend(m, &m->fields[m->nfields - 1].name, at, len);
}

static int on_value(llhttp_t *ll, const char *at, size_t len)
{
    struct http_msg *m = msg_of(ll);
    if (m->complete)
        return 0;
    if (m->nfields == 0)
        return refuse(m, 400);
    m->in_value = true;
    return extend(m, &m->fields[m->nfields - 1].value, at, len);
}

/* An empty value may bring no call of on_value at all. */
static int on_value_end(llhttp_t *ll)
{
    msg_of(ll)->in_value = true;
    return 0;
}

/* Always stops here: whether and how there is a body is decided in check.c. Nothing is ever upgraded. */
static int on_head_end(llhttp_t *ll)
{
    ll->upgrade = 0;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *ll, const char *at, size_t len)
{
    struct http_msg *m = msg_of(ll);
    int rc = oak__http_framing(m, at);
    if (rc)
        return rc;
    memcpy(m->into + m->put, at, len);
    m->put += len;
    m->frame = at + len;
    return 0;
}

static int on_chunk(llhttp_t *ll)
{
    msg_of(ll)->chunks++;
    return 0;
}

static int on_message_end(llhttp_t *ll)
{
    msg_of(ll)->body_done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_end,
    .on_headers_complete = on_head_end,
    .on_body = on_body,
    .on_chunk_header = on_chunk,
    .on_message_complete = on_message_end,
};

void oak__http_msg_init(struct http_msg *m, llhttp_type_t type, struct http_inbuf *in,
                        const struct http_bounds *bounds)
{
    llhttp_init(&m->ll, type, &settings);
    m->ll.data = m;
    m->bounds = bounds;
    m->in = in;
    m->fields = m->fields_inline;
    m->fields_cap = HTTP_FIELDS_INLINE;
    m->head_only = false;
    oak__http_msg_next(m);
}

void oak__http_msg_free(struct http_msg *m)
{
    if (m->fields != m->fields_inline)
        free(m->fields);
    m->fields = m->fields_inline;
    m->fields_cap = HTTP_FIELDS_INLINE;
}

void oak__http_msg_next(struct http_msg *m)
{
    oak__http_msg_free(m);
    oak__http_in_recycle(m->in);
    llhttp_reset(&m->ll);
    m->text = NULL;
    m->fed = m->head_len = 0;
    m->refused = 0;
    m->in_value = m->complete = false;
    m->target = (struct http_span){0, 0};
    m->nfields = 0;
    m->keep_alive = m->expects_continue = false;
    m->body = HTTP_BODY_NONE;
    m->length = m->got = m->framing = m->chunks = 0;
    m->last = 0;
    m->body_done = false;
    m->body_error = 0;
}

/* The body's bytes come behind the head, which must not move from now on: leave them some room. */
#define BODY_ROOM 2048

static int finish(struct http_msg *m)
{
    struct http_inbuf *in = m->in;
    m->head_len = (size_t)(llhttp_get_error_pos(&m->ll) - m->text);
    m->complete = true;
    if (m->head_len > m->bounds->head)
        return m->target.len > m->bounds->head ? 414 : 431;
    int status = oak__http_check(m);
    if (status)
        return status;
    size_t head = in->start;
    if (m->body != HTTP_BODY_NONE && in->cap - in->start - m->head_len < BODY_ROOM) {
        if (oak__http_in_room(in, m->head_len + BODY_ROOM))
            return -ENOMEM;
        head = in->start;
    }
    m->text = in->data + head;
    in->start = in->floor = head + m->head_len;
    oak__http_terminate(m);
    m->body_done = m->body == HTTP_BODY_NONE;
    return 0;
}

static int refusal(struct http_msg *m)
{
    if (m->refused)
        return m->refused;
    bool known = m->ll.http_major == 1 && m->ll.http_minor <= 1;
    llhttp_errno_t rc = llhttp_get_errno(&m->ll);
    return rc == HPE_PAUSED_H2_UPGRADE || (rc == HPE_INVALID_VERSION && !known) ? 505 : 400;
}

int oak__http_msg_head(struct http_msg *m)
{
    struct http_inbuf *in = m->in;
    size_t len = http_in_len(in);
    m->text = in->data + in->start;
    if (m->fed < len) {
        llhttp_errno_t rc = llhttp_execute(&m->ll, m->text + m->fed, len - m->fed);
        m->fed = len;
        if (rc == HPE_PAUSED)
            return finish(m);
        if (rc != HPE_OK)
            return refusal(m);
    }
    if (len < m->bounds->head)
        return -EAGAIN;
    return m->nfields ? 431 : 414;
}
