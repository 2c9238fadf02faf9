/* Routes by method and path. A list that is tried in order: meant for tens of routes. */
#include "conn.h"

#include <stdlib.h>
#include <string.h>

struct route {
    struct route *next;
    const char *method; /* NULL: any */
    const char *pattern;
    oak_http_handler *handler;
    void *arg;
};

struct oak_http_router {
    uint32_t tag;
    struct route *first, **end;
};

oak_http_router *oak_http_router_new(void)
{
    oak_http_router *r = calloc(1, sizeof *r);
    if (r) {
        r->end = &r->first;
        http_set_tag(r, TAG_ROUTER);
    }
    return r;
}

void oak_http_router_free(oak_http_router *r)
{
    if (!http_is(r, TAG_ROUTER))
        return;
    http_set_tag(r, TAG_NONE);
    for (struct route *next, *at = r->first; at; at = next) {
        next = at->next;
        free(at);
    }
    free(r);
}

/* A `{` begins a segment and its `}` ends it; a `*` is the last segment; not more names than a request can
 * keep. */
static bool well_formed(const char *pattern)
{
    unsigned params = 0;
    if (pattern[0] != '/')
        return false;
    for (const char *s = pattern; s; s = strchr(s + 1, '/')) {
        size_t len = strcspn(s + 1, "/");
        const char *segment = s + 1;
        bool name = segment[0] == '{' && len > 2 && segment[len - 1] == '}';
        bool rest = segment[0] == '*' && len == 1 && segment[1] == 0;
        params += name || rest;
        if (!name && !rest && strcspn(segment, "{}*") < len)
            return false;
    }
    return params <= HTTP_PARAMS;
}

int oak_http_route(oak_http_router *r, const char *method, const char *pattern, oak_http_handler *handler,
                   void *arg)
{
    if (!http_is(r, TAG_ROUTER) || !pattern || !handler || !well_formed(pattern) ||
        (method && !oak__http_is_token(method)))
        return -EINVAL;
    size_t m = method ? strlen(method) + 1 : 0, p = strlen(pattern) + 1;
    struct route *route = malloc(sizeof *route + m + p);
    if (!route)
        return -ENOMEM;
    char *text = (char *)(route + 1);
    *route = (struct route){.handler = handler, .arg = arg, .pattern = memcpy(text, pattern, p)};
    if (method)
        route->method = memcpy(text + p, method, m);
    *r->end = route;
    r->end = &route->next;
    return 0;
}

static void note(oak_http_request *q, const char *name, size_t name_len, const char *value, size_t value_len)
{
    q->params[q->nparams++] = (struct http_param){name, name_len, value, value_len};
}

static bool matches(oak_http_request *q, const char *pattern, const char *path)
{
    q->nparams = 0;
    while (*pattern) {
        if (*pattern == '*') {
            note(q, pattern, 1, path, strlen(path));
            return true;
        }
        if (*pattern == '{') {
            size_t name = strcspn(pattern, "}"), value = strcspn(path, "/");
            if (value == 0)
                return false;
            note(q, pattern + 1, name - 1, path, value);
            pattern += name + 1;
            path += value;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == 0;
}

static bool allows(const char *route, const char *method)
{
    return !route || strcmp(route, method) == 0 || (strcmp(route, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static int not_allowed(oak_http_response *p, oak_http_request *q, const oak_http_router *r)
{
    char list[256] = "";
    for (const struct route *at = r->first; at; at = at->next) {
        if (!matches(q, at->pattern, q->path) || strlen(list) + strlen(at->method) + 3 > sizeof list)
            continue;
        if (list[0])
            strcat(list, ", ");
        strcat(list, at->method);
    }
    int rc = oak_http_set_header(p, "Allow", list);
    return rc ? rc : oak_http_reply(p, 405, "text/plain; charset=utf-8", "Method Not Allowed\n", 19);
}

int oak_http_router_handle(oak_http_request *q, oak_http_response *p, void *router)
{
    const oak_http_router *r = router;
    if (!http_is(q, TAG_REQUEST) || !http_is(p, TAG_RESPONSE) || !http_is(r, TAG_ROUTER))
        return -EINVAL;
    const char *method = oak_http_method(q);
    bool path_known = false;
    for (const struct route *at = r->first; at; at = at->next) {
        if (!matches(q, at->pattern, q->path))
            continue;
        if (allows(at->method, method))
            return at->handler(q, p, at->arg);
        path_known = true;
    }
    if (path_known)
        return not_allowed(p, q, r);
    return oak_http_reply(p, 404, "text/plain; charset=utf-8", "Not Found\n", 10);
}

ssize_t oak_http_param(const oak_http_request *q, const char *name, char *buf, size_t size)
{
    if (!http_is(q, TAG_REQUEST) || !name || (!buf && size))
        return -EINVAL;
    for (unsigned i = 0; i < q->nparams; i++) {
        const struct http_param *p = &q->params[i];
        if (p->name_len != strlen(name) || memcmp(p->name, name, p->name_len) != 0)
            continue;
        if (size) {
            size_t n = p->value_len < size ? p->value_len : size - 1;
            memcpy(buf, p->value, n);
            buf[n] = 0;
        }
        return (ssize_t)p->value_len;
    }
    return -ENOENT;
}
