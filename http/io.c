/* Reading from the socket, for server and client. */
#include "conn.h"

#include <oakum/go.h>
#include <stdlib.h>

/* Less room than this is not worth a system call. */
#define LEAST_READ 512
#define GOOD_READ  4096

static ssize_t fill_by(struct http_inbuf *in, oak_conn *sock, ssize_t (*read)(oak_conn *, void *, size_t))
{
    int rc = oak__http_in_room(in, LEAST_READ);
    if (rc)
        return rc;
    ssize_t n = read(sock, in->data + in->end, in->cap - in->end);
    in->more = n == (ssize_t)(in->cap - in->end);
    if (n > 0)
        in->end += (size_t)n;
    /* Much comes at once: the next read shall take more. Not behind a head, which must not move. */
    if (in->end == in->cap && in->floor == 0 && in->cap < GOOD_READ)
        (void)oak__http_in_room(in, GOOD_READ - in->cap);
    return n;
}

ssize_t oak__http_fill(struct http_inbuf *in, oak_conn *sock)
{
    return fill_by(in, sock, oak_read);
}

ssize_t oak__http_try_fill(struct http_inbuf *in, oak_conn *sock)
{
    return fill_by(in, sock, oak_try_read);
}

static ssize_t more(struct http_msg *m, oak_conn *sock, void *out, size_t size)
{
    size_t direct = oak__http_msg_direct(m, size);
    if (direct) {
        ssize_t n = oak_read(sock, out, direct);
        return n > 0 ? oak__http_msg_took(m, (size_t)n) : n == 0 ? oak__http_msg_eof(m) : n;
    }
    ssize_t n = oak__http_fill(m->in, sock);
    if (n <= 0)
        return n == 0 ? oak__http_msg_eof(m) : n;
    return oak__http_msg_body(m, out, size);
}

ssize_t oak__http_body_read(struct http_msg *m, oak_conn *sock, void *out, size_t size)
{
    ssize_t n = oak__http_msg_body(m, out, size);
    while (n == -EAGAIN)
        n = more(m, sock, out, size);
    if (n < 0)
        m->body_error = (int)n;
    return n;
}

ssize_t oak__http_body_all(struct http_msg *m, ssize_t (*read)(void *from, void *buf, size_t size),
                           void *from, char **out)
{
    size_t len = 0, cap = 1024;
    /* The announced length is a hint, believed up to what is allowed anyway. */
    if (m->body == HTTP_BODY_LENGTH && m->length <= m->bounds->body)
        cap = (size_t)(m->length - m->got) + 1;
    char *data = malloc(cap);
    while (data) {
        ssize_t n = read(from, data + len, cap - len);
        if (n < 0) {
            free(data);
            return n;
        }
        len += (size_t)n;
        if (n == 0)
            break;
        if (cap - len > 0)
            continue;
        char *bigger = realloc(data, cap *= 2);
        if (!bigger)
            free(data);
        data = bigger;
    }
    if (!data)
        return -ENOMEM;
    data[len] = 0;
    *out = data;
    return (ssize_t)len;
}

void oak__http_read_by(struct http_conn *c, int64_t deadline)
{
    if (c->read_by == deadline)
        return;
    c->read_by = deadline;
    oak_conn_set_read_deadline(c->sock, deadline);
}

void oak__http_read_within(struct http_conn *c, int64_t limit)
{
    if (limit == OAK_FOREVER) {
        oak__http_read_by(c, OAK_FOREVER);
        return;
    }
    int64_t slack = limit / 8 < OAK_SECOND ? limit / 8 : OAK_SECOND;
    int64_t want = c->now + limit;
    if (c->read_by < want || c->read_by - want > slack)
        oak__http_read_by(c, want + slack);
}
