/* What a handler asks about its request, and the request's body. */
#include "server.h"

#include <stdlib.h>
#include <string.h>

/*
 * "http://host/path?query", which a server must understand as well: where the path begins. The host in it is the one that counts,
 * whatever the Host field says (RFC 9112, 3.2.2): it becomes that field's value. A byte to the left, over a slash of the "//",
 * so that there is room to terminate it.
 */
static char *take_authority(struct http_msg *m, char *authority)
{
    size_t len = strcspn(authority, "/?");
    for (size_t i = 0; i < m->nfields; i++) {
        struct http_header *f = &m->fields[i];
        if (oak__http_same(m->text + f->name.at, f->name.len, "host"))
            f->value = (struct http_span){(uint32_t)(authority - 1 - m->text), (uint32_t)len};
    }
    memmove(authority - 1, authority, len);
    authority[len - 1] = 0;
    return authority + len;
}

static const char *path_of(struct http_msg *m, const char **query)
{
    char *path = m->text + m->target.at;
    if (*path != '/' && *path != '*') {
        char *authority = strstr(path, "://");
        if (authority)
            path = take_authority(m, authority + 3);
    }
    char *mark = strchr(path, '?');
    *query = "";
    if (mark) {
        *mark = 0;
        *query = mark + 1;
    }
    return *path ? path : "/";
}

void oak__http_request_begin(struct http_conn *c)
{
    struct oak_http_request *q = &c->w->q;
    q->path = path_of(&c->w->msg, &q->query);
    q->nparams = 0;
    q->continued = !c->w->msg.expects_continue;
    q->waiting = false;
    q->all = NULL;
}

void oak__http_request_end(struct oak_http_request *q)
{
    free(q->all);
    q->all = NULL;
}

const char *oak_http_method(const oak_http_request *q)
{
    return http_is(q, TAG_REQUEST) ? llhttp_method_name((llhttp_method_t)q->c->w->msg.ll.method) : NULL;
}

const char *oak_http_path(const oak_http_request *q)
{
    return http_is(q, TAG_REQUEST) ? q->path : NULL;
}

const char *oak_http_query(const oak_http_request *q)
{
    return http_is(q, TAG_REQUEST) ? q->query : NULL;
}

int oak_http_version(const oak_http_request *q)
{
    return http_is(q, TAG_REQUEST) ? 10 + q->c->w->msg.ll.http_minor : -EINVAL;
}

const char *oak_http_header(const oak_http_request *q, const char *name)
{
    return http_is(q, TAG_REQUEST) && name ? oak__http_find(&q->c->w->msg, name) : NULL;
}

int oak_http_header_at(const oak_http_request *q, size_t i, const char **name, const char **value)
{
    return http_is(q, TAG_REQUEST) ? oak__http_field_at(&q->c->w->msg, i, name, value) : -EINVAL;
}

int64_t oak_http_content_length(const oak_http_request *q)
{
    if (!http_is(q, TAG_REQUEST))
        return -EINVAL;
    const struct http_msg *m = &q->c->w->msg;
    return m->body == HTTP_BODY_CHUNKED ? -1 : (int64_t)m->length;
}

int oak_http_remote_addr(const oak_http_request *q, char *buf, size_t size)
{
    return http_is(q, TAG_REQUEST) ? oak_conn_remote_addr(q->c->sock, buf, size) : -EINVAL;
}

/* The first time that the body has to be waited for. */
static int wait_begins(oak_http_request *q)
{
    struct http_conn *c = q->c;
    int64_t limit = c->server->opts.read_limit;
    q->waiting = true;
    oak__http_read_by(c, limit == OAK_FOREVER ? OAK_FOREVER : c->now + limit);
    if (!q->continued) {
        static const char yes[] = "HTTP/1.1 100 Continue\r\n\r\n";
        q->continued = true;
        /* Too late once the final status is on its way. */
        if (!c->w->p.committed &&
            oak__http_emit(c, &(struct iovec){(void *)(uintptr_t)yes, sizeof yes - 1}, 1))
            return c->broken;
    }
    return oak__http_flush_out(c);
}

ssize_t oak__http_request_read(oak_http_request *q, void *buf, size_t size)
{
    struct http_msg *m = &q->c->w->msg;
    if (size == 0)
        return m->body_error;
    ssize_t n = oak__http_msg_body(m, buf, size);
    if (n != -EAGAIN)
        return n;
    int rc = q->waiting ? 0 : wait_begins(q);
    return rc ? rc : oak__http_body_read(m, q->c->sock, buf, size);
}

ssize_t oak_http_read(oak_http_request *q, void *buf, size_t size)
{
    return http_is(q, TAG_REQUEST) && (buf || !size) ? oak__http_request_read(q, buf, size) : -EINVAL;
}

static ssize_t read_from(void *q, void *buf, size_t size)
{
    return oak_http_read(q, buf, size);
}

ssize_t oak_http_read_all(oak_http_request *q, char **out)
{
    if (!http_is(q, TAG_REQUEST) || !out)
        return -EINVAL;
    if (q->all)
        return -EALREADY;
    ssize_t n = oak__http_body_all(&q->c->w->msg, read_from, q, &q->all);
    *out = q->all;
    return n;
}
