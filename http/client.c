/* Making and freeing a client; the short ways to call. */
#include "client.h"

#include <stdlib.h>

oak_http_client *oak_http_client_new(const struct oak_http_client_opts *opts)
{
    struct oak_http_client_opts o = opts ? *opts : (struct oak_http_client_opts){0};
    if (o.limit < 0 || o.max_body < 0 || o.idle_limit < 0)
        return NULL;
    oak_http_client *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    o.limit = o.limit ? o.limit : 30 * OAK_SECOND;
    o.max_header = o.max_header ? o.max_header : 64 << 10;
    o.max_header = o.max_header < 1 << 30 ? o.max_header : 1 << 30;
    o.max_body = o.max_body ? o.max_body : 64 << 20;
    o.keep = o.keep ? o.keep : 16;
    o.idle_limit = o.idle_limit ? o.idle_limit : 30 * OAK_SECOND;
    http_set_tag(c, TAG_CLIENT);
    c->opts = o;
    c->bounds = (struct http_bounds){o.max_header, 256, (uint64_t)o.max_body};
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

int oak_http_client_free(oak_http_client *c)
{
    if (!c)
        return 0;
    if (!http_is(c, TAG_CLIENT))
        return -EINVAL;
    pthread_mutex_lock(&c->lock);
    bool busy = c->ncalls > 0;
    pthread_mutex_unlock(&c->lock);
    if (busy)
        return -EBUSY;
    http_set_tag(c, TAG_NONE);
    oak__http_pool_clear(c);
    pthread_mutex_destroy(&c->lock);
    free(c);
    return 0;
}

int oak_http_get(oak_http_client *c, const char *url, oak_http_call **out)
{
    return oak_http_do(c, &(struct oak_http_call_opts){.url = url}, out);
}

int oak_http_post(oak_http_client *c, const char *url, const char *type, const void *body, size_t size,
                  oak_http_call **out)
{
    const struct oak_http_field field = {"Content-Type", type};
    return oak_http_do(c,
                       &(struct oak_http_call_opts){.method = "POST",
                                                    .url = url,
                                                    .fields = &field,
                                                    .nfields = type ? 1 : 0,
                                                    .body = body,
                                                    .size = size},
                       out);
}

int oak_http_call_status(const oak_http_call *k)
{
    return http_is(k, TAG_CALL) ? k->msg.ll.status_code : -EINVAL;
}

const char *oak_http_call_header(const oak_http_call *k, const char *name)
{
    return http_is(k, TAG_CALL) && name ? oak__http_find(&k->msg, name) : NULL;
}

int oak_http_call_header_at(const oak_http_call *k, size_t i, const char **name, const char **value)
{
    return http_is(k, TAG_CALL) ? oak__http_field_at(&k->msg, i, name, value) : -EINVAL;
}
