/* The head of a response, as the handler composes it. */
#include "server.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void oak__http_response_begin(struct http_conn *c)
{
    struct oak_http_response *p = &c->w->p;
    p->status = 200;
    p->committed = p->chunked = p->has_length = p->has_date = p->close = false;
    p->bodiless = c->w->msg.ll.method == HTTP_HEAD;
    p->length = p->written = 0;
    p->fields.len = p->body.len = 0;
}

int oak_http_status(oak_http_response *p, int status)
{
    if (!http_is(p, TAG_RESPONSE) || status < 200 || status > 599)
        return -EINVAL;
    if (p->committed)
        return -EALREADY;
    p->status = status;
    return 0;
}

/* RFC 9110, 5.6.2. */
bool oak__http_is_token(const char *s)
{
    static const char special[] = "!#$%&'*+-.^_`|~";
    const char *at = s;
    for (; *at; at++) {
        bool alnum = (unsigned)(*at - '0') < 10 || (unsigned)((*at | 0x20) - 'a') < 26;
        if (!alnum && *at != '-' && !strchr(special, *at))
            return false;
    }
    return at != s;
}

/* No control byte but a tab: nothing in a value can end its line. */
bool oak__http_is_value(const char *s)
{
    for (; *s; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return false;
    return true;
}

static int set_length(oak_http_response *p, const char *value)
{
    size_t len = strspn(value, "0123456789");
    if (len == 0 || len > 18 || value[len]) /* 18 digits fit 63 bits */
        return -EINVAL;
    p->has_length = true;
    p->length = strtoull(value, NULL, 10);
    return 0;
}

/* Fields that are the protocol's own. True when that is all there is to do. */
static bool take_special(oak_http_response *p, const char *name, const char *value, int *rc)
{
    *rc = 0;
    if (strcasecmp(name, "Content-Length") == 0)
        *rc = set_length(p, value);
    else if (strcasecmp(name, "Transfer-Encoding") == 0)
        *rc = -EINVAL;
    else if (strcasecmp(name, "Connection") == 0)
        p->close = p->close || strcasecmp(value, "close") == 0;
    else
        return false;
    return true;
}

/* Whether p may get this field: 0, -EINVAL, -EALREADY. */
static int check_field(oak_http_response *p, const char *name, const char *value)
{
    if (!http_is(p, TAG_RESPONSE) || !name || !value || !oak__http_is_token(name) ||
        !oak__http_is_value(value))
        return -EINVAL;
    return p->committed ? -EALREADY : 0;
}

static int put_field(oak_http_response *p, const char *name, const char *value)
{
    int rc;
    size_t name_len = strlen(name), value_len = strlen(value);
    if ((name_len == 10 || name_len == 14 || name_len == 17) && take_special(p, name, value, &rc))
        return rc;
    if (name_len == 4 && strcasecmp(name, "Date") == 0)
        p->has_date = true;
    if (oak__http_buf_room(&p->fields, name_len + value_len + 4))
        return -ENOMEM;
    http_put(&p->fields, name, name_len);
    http_put_lit(&p->fields, ": ");
    http_put(&p->fields, value, value_len);
    http_put_lit(&p->fields, "\r\n");
    return 0;
}

int oak_http_add_header(oak_http_response *p, const char *name, const char *value)
{
    int rc = check_field(p, name, value);
    return rc ? rc : put_field(p, name, value);
}

static void remove_field(struct http_buf *fields, const char *name)
{
    size_t len = strlen(name);
    for (size_t at = 0; at < fields->len;) {
        char *line = fields->data + at;
        char *end = (char *)memchr(line, '\n', fields->len - at) + 1;
        if ((size_t)(end - line) > len && line[len] == ':' && strncasecmp(line, name, len) == 0) {
            memmove(line, end, (size_t)(fields->data + fields->len - end));
            fields->len -= (size_t)(end - line);
        } else {
            at += (size_t)(end - line);
        }
    }
}

int oak_http_set_header(oak_http_response *p, const char *name, const char *value)
{
    int rc = check_field(p, name, value);
    if (rc)
        return rc;
    if (p->fields.len)
        remove_field(&p->fields, name);
    return put_field(p, name, value);
}

/* After this response: can the connection carry another request? */
static bool goes_on(struct oak_http_response *p)
{
    struct http_conn *c = p->c;
    return c->w->msg.keep_alive && !p->close && !c->panicked && c->w->q.continued &&
           !atomic_load_explicit(&c->server->draining, memory_order_relaxed);
}

/* How the client will know where the body ends. */
static void choose_framing(struct oak_http_response *p, bool length_known, uint64_t length)
{
    bool never = p->status == 204 || p->status == 304;
    p->bodiless = p->bodiless || never;
    if (length_known && !p->has_length && !never) {
        p->has_length = true;
        p->length = length;
    }
    p->chunked = !p->has_length && !p->bodiless && p->c->w->msg.ll.http_minor;
    if (!p->has_length && !p->chunked && !p->bodiless)
        p->close = true;
}

/* Status line, Date, framing, Connection and the empty line are never longer than this. */
#define HEAD_ROOM 256

int oak__http_commit(struct oak_http_response *p, bool length_known, uint64_t length)
{
    struct http_conn *c = p->c;
    struct http_buf *o = &c->w->out;
    choose_framing(p, length_known, length);
    if (!goes_on(p))
        p->close = true;
    p->committed = true;
    http_unpend(c);
    if (oak__http_buf_room(o, HEAD_ROOM + p->fields.len))
        return c->broken = -ENOMEM;
    const char *reason = oak__http_reason(p->status);
    if (p->status == 200) {
        http_put_lit(o, "HTTP/1.1 200 OK\r\n");
    } else {
        http_put_lit(o, "HTTP/1.1 ");
        oak__http_put_number(o, (unsigned)p->status);
        http_put_lit(o, " ");
        http_put(o, reason, strlen(reason));
        http_put_lit(o, "\r\n");
    }
    if (!p->has_date)
        http_put(o, oak__http_date_line(c), HTTP_DATE_LINE);
    http_put(o, p->fields.data, p->fields.len);
    if (p->has_length && p->status != 204) {
        http_put_lit(o, "Content-Length: ");
        oak__http_put_number(o, p->length);
        http_put_lit(o, "\r\n");
    } else if (p->chunked) {
        http_put_lit(o, "Transfer-Encoding: chunked\r\n");
    }
    if (p->close)
        http_put_lit(o, "Connection: close\r\n");
    else if (c->w->msg.ll.http_minor == 0)
        http_put_lit(o, "Connection: keep-alive\r\n");
    http_put_lit(o, "\r\n");
    return 0;
}
