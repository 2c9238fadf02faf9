/* Making and freeing a server, its defaults, its figures. */
#include "server.h"

#include <stdlib.h>

static int64_t time_or(int64_t given, int64_t standard)
{
    return given ? given : standard;
}

static bool set_defaults(struct oak_http_server_opts *o)
{
    if (!o->handler || o->read_header_limit < 0 || o->read_limit < 0 || o->write_limit < 0 ||
        o->idle_limit < 0 || o->handler_limit < 0 || o->max_body < 0)
        return false;
    o->read_header_limit = time_or(o->read_header_limit, 10 * OAK_SECOND);
    o->read_limit = time_or(o->read_limit, 60 * OAK_SECOND);
    o->write_limit = time_or(o->write_limit, 30 * OAK_SECOND);
    o->idle_limit = time_or(o->idle_limit, 120 * OAK_SECOND);
    o->handler_limit = time_or(o->handler_limit, 60 * OAK_SECOND);
    o->max_header = o->max_header ? o->max_header : 64 << 10;
    o->max_fields = o->max_fields ? o->max_fields : 128;
    o->max_body = o->max_body ? o->max_body : 8 << 20;
    /* Offsets into a head are 32 bits wide. */
    if (o->max_header > 1 << 30)
        o->max_header = 1 << 30;
    return true;
}

oak_http_server *oak_http_server_new(const struct oak_http_server_opts *opts)
{
    if (!opts)
        return NULL;
    struct oak_http_server_opts o = *opts;
    if (!set_defaults(&o))
        return NULL;
    oak_http_server *s = aligned_alloc(_Alignof(oak_http_server), sizeof *s);
    if (!s)
        return NULL;
    memset(s, 0, sizeof *s);
    http_set_tag(s, TAG_SERVER);
    s->opts = o;
    s->bounds = (struct http_bounds){o.max_header, o.max_fields, (uint64_t)o.max_body};
    pthread_mutex_init(&s->lock, NULL);
    oak__http_shelves_open(s);
    oak_sem_init(&s->slots, o.max_conns ? o.max_conns : INT64_MAX);
    return s;
}

int oak_http_server_free(oak_http_server *s)
{
    if (!s)
        return 0;
    if (!http_is(s, TAG_SERVER))
        return -EINVAL;
    http_lock(s);
    bool busy = s->serving;
    http_unlock(s);
    if (busy)
        return -EBUSY;
    http_set_tag(s, TAG_NONE);
    oak__http_shelves_close(s);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return 0;
}

int oak_http_server_stats(oak_http_server *s, struct oak_http_stats *out)
{
    if (!http_is(s, TAG_SERVER) || !out)
        return -EINVAL;
    *out = (struct oak_http_stats){
        .accepted = atomic_load(&s->accepted),
        .malformed = atomic_load(&s->malformed),
        .timed_out = atomic_load(&s->timed_out),
        .hung_up = atomic_load(&s->hung_up),
        .panics = atomic_load(&s->panics),
    };
    http_lock(s);
    out->open = s->open_conns;
    out->requests = s->closed_requests;
    for (struct http_conn *c = s->conns; c; c = c->next)
        out->requests += atomic_load_explicit(&c->requests, memory_order_relaxed);
    http_unlock(s);
    return 0;
}
