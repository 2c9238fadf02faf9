/* The head of a client's request. */
#include "client.h"

#include <string.h>
#include <strings.h>

static bool has_field(const struct oak_http_call_opts *o, const char *name)
{
    for (size_t i = 0; i < o->nfields; i++)
        if (strcasecmp(o->fields[i].name, name) == 0)
            return true;
    return false;
}

/* The framing is this client's business: nobody else may say how long the body is. */
static bool is_allowed(const struct oak_http_field *f)
{
    return f->name && f->value && oak__http_is_token(f->name) && oak__http_is_value(f->value) &&
           strcasecmp(f->name, "Content-Length") != 0 && strcasecmp(f->name, "Transfer-Encoding") != 0;
}

static int add_line(struct http_buf *b, const char *name, const char *value, size_t value_len)
{
    size_t name_len = strlen(name);
    if (oak__http_buf_room(b, name_len + value_len + 4))
        return -ENOMEM;
    http_put(b, name, name_len);
    http_put_lit(b, ": ");
    http_put(b, value, value_len);
    http_put_lit(b, "\r\n");
    return 0;
}

static int request_line(struct http_buf *b, const char *method, const struct http_url *url)
{
    size_t len = strlen(method);
    if (oak__http_buf_room(b, len + url->target_len + 16))
        return -ENOMEM;
    http_put(b, method, len);
    http_put_lit(b, " ");
    if (url->target_len == 0 || url->target[0] != '/')
        http_put_lit(b, "/");
    http_put(b, url->target, url->target_len);
    http_put_lit(b, " HTTP/1.1\r\n");
    return 0;
}

static bool has_body(const struct oak_http_call_opts *o, const char *method)
{
    return o->size || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

int oak__http_compose(struct http_buf *b, const struct oak_http_call_opts *o, const struct http_url *url)
{
    const char *method = o->method ? o->method : "GET";
    if (!oak__http_is_token(method) || strcmp(method, "CONNECT") == 0)
        return -EINVAL;
    for (size_t i = 0; i < o->nfields; i++)
        if (!is_allowed(&o->fields[i]))
            return -EINVAL;
    int rc = request_line(b, method, url);
    if (rc == 0 && !has_field(o, "Host"))
        rc = add_line(b, "Host", url->host, url->host_len);
    for (size_t i = 0; i < o->nfields && rc == 0; i++)
        rc = add_line(b, o->fields[i].name, o->fields[i].value, strlen(o->fields[i].value));
    if (rc == 0)
        rc = oak__http_buf_room(b, 48);
    if (rc)
        return rc;
    if (has_body(o, method)) {
        http_put_lit(b, "Content-Length: ");
        oak__http_put_number(b, o->size);
        http_put_lit(b, "\r\n");
    }
    http_put_lit(b, "\r\n");
    return 0;
}
