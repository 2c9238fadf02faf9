/* The body of a response. */
#include "server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_BUFFER 4096

static void *cast(const void *p)
{
    return (void *)(uintptr_t)p;
}

/* Sends the buffered bytes and these after them; the head is committed. */
static int send_on(oak_http_response *p, const void *data, size_t size)
{
    struct iovec v[4];
    int n = 0;
    size_t all = p->body.len + size;
    if (p->bodiless || all == 0) {
        p->body.len = 0;
        return p->c->broken;
    }
    char line[24];
    if (p->chunked)
        v[n++] = (struct iovec){line, (size_t)snprintf(line, sizeof line, "%zx\r\n", all)};
    if (p->body.len)
        v[n++] = (struct iovec){p->body.data, p->body.len};
    if (size)
        v[n++] = (struct iovec){cast(data), size};
    if (p->chunked)
        v[n++] = (struct iovec){cast("\r\n"), 2};
    p->body.len = 0;
    return oak__http_emit(p->c, v, n);
}

static int buffer(oak_http_response *p, const void *data, size_t size)
{
    int rc = oak__http_buf_room(&p->body, p->body.cap ? size : BODY_BUFFER);
    if (rc == 0)
        http_put(&p->body, data, size);
    return rc;
}

/* Counts bytes; more than was announced would be taken for the next response. */
static int count(oak_http_response *p, size_t size)
{
    if (p->has_length && size > p->length - p->written)
        return -EMSGSIZE;
    p->written += size;
    return 0;
}

int oak_http_write(oak_http_response *p, const void *data, size_t size)
{
    if (!http_is(p, TAG_RESPONSE) || (!data && size))
        return -EINVAL;
    int rc = count(p, size);
    if (rc || size == 0)
        return rc;
    if (p->body.len + size <= BODY_BUFFER)
        return buffer(p, data, size);
    if (!p->committed)
        rc = oak__http_commit(p, false, 0);
    return rc ? rc : send_on(p, data, size);
}

int oak_http_printf(oak_http_response *p, const char *fmt, ...)
{
    char small[512];
    va_list args;
    if (!http_is(p, TAG_RESPONSE) || !fmt)
        return -EINVAL;
    va_start(args, fmt);
    int n = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    if (n < 0)
        return -EINVAL;
    if ((size_t)n < sizeof small)
        return oak_http_write(p, small, (size_t)n);
    char *large = malloc((size_t)n + 1);
    if (!large)
        return -ENOMEM;
    va_start(args, fmt);
    vsnprintf(large, (size_t)n + 1, fmt, args);
    va_end(args);
    int rc = oak_http_write(p, large, (size_t)n);
    free(large);
    return rc;
}

int oak_http_flush(oak_http_response *p)
{
    if (!http_is(p, TAG_RESPONSE))
        return -EINVAL;
    int rc = p->committed ? 0 : oak__http_commit(p, false, 0);
    if (rc == 0)
        rc = send_on(p, NULL, 0);
    return rc ? rc : oak__http_flush_out(p->c);
}

int oak_http_reply(oak_http_response *p, int status, const char *type, const void *body, size_t size)
{
    if (!body && size)
        return -EINVAL;
    int rc = oak_http_status(p, status);
    if (rc == 0 && type)
        rc = oak_http_set_header(p, "Content-Type", type);
    if (rc)
        return rc;
    p->body.len = 0; /* the body is this one alone */
    p->written = 0;
    p->has_length = false;
    if (p->bodiless || status == 204 || status == 304) {
        p->written = size;
        return oak__http_commit(p, true, size);
    }
    rc = oak__http_commit(p, true, size);
    if (rc == 0)
        rc = count(p, size);
    return rc ? rc : send_on(p, body, size);
}

int oak__http_response_end(struct oak_http_response *p)
{
    if (!p->committed) {
        if (p->has_length && p->written < p->length && !p->bodiless)
            return -EBADMSG;
        int rc = oak__http_commit(p, true, p->written);
        if (rc)
            return rc;
    }
    int rc = send_on(p, NULL, 0);
    if (rc)
        return rc;
    if (p->chunked)
        return oak__http_emit(p->c, &(struct iovec){cast("0\r\n\r\n"), 5}, 1);
    return p->has_length && !p->bodiless && p->written < p->length ? -EBADMSG : 0;
}

void oak__http_response_error(struct oak_http_response *p, int status)
{
    struct http_conn *c = p->c;
    const char *reason = oak__http_reason(status);
    oak__http_response_begin(c);
    http_set_tag(p, TAG_RESPONSE);
    p->status = status;
    /* A response that refuses the request says so whatever becomes of it: none of these can fail for its
     * values. */
    int rc = oak_http_add_header(p, "Content-Type", "text/plain; charset=utf-8");
    rc = rc ? rc : oak_http_write(p, reason, strlen(reason));
    rc = rc ? rc : oak_http_write(p, "\n", 1);
    if (rc)
        p->body.len = 0, p->written = 0;
    http_set_tag(p, TAG_NONE);
}
