/*
 * Responses that wait for company, while the next request's handler takes its time.
 *
 * With pipelining, the response to the first request is kept back so that it leaves together with the next
 * ones. If a later handler blocks, that must not keep the client waiting: a connection that runs a handler
 * with unsent output is on the server's list of pending ones, and the monitor has the output of those sent
 * that have been there for HOLD. Off the list again, c->w->out is its connection's alone.
 */
#include "server.h"

#include <oakum/go.h>
#include <unistd.h>

#define HOLD (5 * OAK_MILLISECOND)

void oak__http_pend(struct http_conn *c)
{
    oak_http_server *s = c->server;
    struct http_monitor *m = &s->monitor;
    c->maybe_pending = true;
    c->pending_since = c->now;
    c->pending_next = NULL;
    http_lock(s);
    c->pending = true;
    *m->pending_end = c;
    m->pending_end = &c->pending_next;
    bool wake = m->asleep;
    m->asleep = false;
    http_unlock(s);
    if (wake)
        (void)!write(m->wake, &(uint64_t){1}, sizeof(uint64_t));
}

static void unlink_pending(struct http_monitor *m, struct http_conn *c)
{
    struct http_conn **at = &m->pending;
    while (*at != c)
        at = &(*at)->pending_next;
    *at = c->pending_next;
    if (m->pending_end == &c->pending_next)
        m->pending_end = at;
    c->pending = false;
}

void oak__http_unpend_slow(struct http_conn *c)
{
    oak_http_server *s = c->server;
    c->maybe_pending = false;
    http_lock(s);
    bool was = c->pending;
    if (was)
        unlink_pending(&s->monitor, c);
    http_unlock(s);
    if (was)
        return;
    /* Somebody is sending it. He needs the buffer to his end, whatever becomes of this goroutine's context;
     * the write limit bounds the wait. */
    oak_with_ctx (NULL) {
        while (oak_waitgroup_wait(&c->flushers))
            ;
    }
}

static void flush_for(void *conn)
{
    struct http_conn *c = conn;
    ssize_t n = oak_write(c->sock, c->w->out.data, c->w->out.len);
    c->w->out.len = 0;
    if (n < 0)
        c->broken = (int)n;
    oak_waitgroup_done(&c->flushers);
}

/* The first pending connection that has waited long enough, off the list; NULL, and then when it will have.
 */
static struct http_conn *take_due(oak_http_server *s, int64_t *next)
{
    struct http_conn *c;
    *next = OAK_FOREVER;
    http_lock(s);
    c = s->monitor.pending;
    if (c && oak_now() - c->pending_since < HOLD) {
        *next = c->pending_since + HOLD;
        c = NULL;
    }
    if (c) {
        unlink_pending(&s->monitor, c);
        oak_waitgroup_add(&c->flushers, 1);
    }
    s->monitor.asleep = !c && *next == OAK_FOREVER;
    http_unlock(s);
    return c;
}

int64_t oak__http_pending_due(oak_http_server *s)
{
    struct http_conn *c;
    int64_t next;
    while ((c = take_due(s, &next))) {
        /* The scope is there as long as a connection is. */
        const struct oak_spawn_opts opts = {.name = "http flush", .scope = s->scope};
        if (s->opts.write_limit != OAK_FOREVER)
            oak_conn_set_write_deadline(c->sock, oak_now() + s->opts.write_limit);
        if (oak_spawn_with(&opts, flush_for, c))
            flush_for(c);
    }
    return next;
}
