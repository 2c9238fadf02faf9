/*
 * Request after request: wait for a head, run the handler, complete the response, see whether it goes on.
 */
#include "server.h"

#include <oakum/go.h>

/* A body that its handler left unread is read over up to here, to keep the connection. */
#define DRAIN_MOST (256 << 10)

static bool draining(struct http_conn *c)
{
    return atomic_load(&c->server->draining);
}

/* Reads the first bytes of a request. When they must be waited for, that is without a block of work: so after a read that
 * left nothing, which is what it costs to look again. */
static ssize_t wait_fill(struct http_conn *c)
{
    if (c->w && !c->w->in.more)
        oak__http_work_give(c);
    if (c->w) {
        ssize_t n = oak__http_try_fill(&c->w->in, c->sock);
        if (n != -EAGAIN)
            return n;
        oak__http_work_give(c);
    }
    int rc = oak_conn_wait_readable(c->sock);
    if (rc == 0)
        rc = oak__http_work_take(c);
    return rc ? rc : oak__http_fill(&c->w->in, c->sock);
}

/* Waits for the first bytes of a request, as an idle connection that a shutdown may close. */
static ssize_t wait_idle(struct http_conn *c)
{
    const struct oak_http_server_opts *o = &c->server->opts;
    if (c->fresh && o->read_header_limit < o->idle_limit)
        oak__http_read_within(c, o->read_header_limit);
    else
        oak__http_read_within(c, o->idle_limit);
    /* Idle first, then the look at draining; a shutdown does it the other way round: one of us sees the
     * other. */
    atomic_store(&c->state, HTTP_IDLE);
    if (draining(c))
        return -EPIPE;
    ssize_t n = wait_fill(c);
    atomic_store_explicit(&c->state, HTTP_BUSY, memory_order_relaxed);
    return n;
}

/* 0: a request is there; a status to refuse it with; or negative: nothing more can be done. */
static int next_head(struct http_conn *c)
{
    const struct oak_http_server_opts *o = &c->server->opts;
    bool timing = false;
    for (bool read = false;; read = true) {
        int rc = c->w ? oak__http_msg_head(&c->w->msg) : -EAGAIN;
        /* Found in the buffer: the handlers before it in the batch may have taken their time. */
        if (rc == 0 && !read)
            c->now = oak_now();
        if (rc != -EAGAIN)
            return rc;
        rc = c->w ? oak__http_flush_out(c) : 0;
        if (rc)
            return rc;
        bool idle = !c->w || http_in_len(&c->w->in) == 0;
        if (!idle && !timing && o->read_header_limit != OAK_FOREVER) {
            timing = true;
            oak__http_read_by(c, c->now + o->read_header_limit);
        }
        ssize_t n = idle ? wait_idle(c) : oak__http_fill(&c->w->in, c->sock);
        if (n == -ETIMEDOUT && !idle)
            return 408;
        if (n <= 0)
            return n ? (int)n : -EPIPE;
        /* A request that comes in pieces has one time limit, from its first piece. */
        if (idle)
            c->now = oak_now();
        c->fresh = false;
    }
}

/* The context that handlers run under: made anew when its deadline would come noticeably too early. */
static oak_ctx *handler_ctx(struct http_conn *c)
{
    int64_t limit = c->server->opts.handler_limit;
    int64_t age = limit / 64 < 8 * OAK_MILLISECOND ? limit / 64 : 8 * OAK_MILLISECOND;
    if (limit == OAK_FOREVER)
        return c->life;
    if (c->limited && c->now - c->limited_since < age && !oak_ctx_err(c->limited))
        return c->limited;
    oak_ctx_unref(c->limited);
    /* From now, not from when the bytes came: earlier requests of the same batch may have taken their time.
     */
    c->limited_since = oak_now();
    c->limited = oak_ctx_with_deadline(c->life, c->limited_since + limit);
    return c->limited;
}

static int status_for(struct http_conn *c, int err)
{
    if (c->w->msg.body_error == -ETIMEDOUT && !(c->limited && oak_ctx_err(c->limited)))
        return 408;
    switch (err) {
    case -ETIMEDOUT:
        return 503;
    case -EMSGSIZE:
        return 413;
    case -EBADMSG:
        return 400;
    default:
        return 500;
    }
}

/* The handler gave an error. 0 when an error response stands in its place. */
static int failed(struct http_conn *c, int err)
{
    if (err == -ETIMEDOUT && c->limited && oak_ctx_err(c->limited) == -ETIMEDOUT)
        http_count(&c->server->timed_out);
    if (c->w->p.committed || c->broken || (err == -ECANCELED && atomic_load(&c->hung_up)))
        return err;
    /* A body that broke off leaves no place where the next request could begin. */
    int status = status_for(c, err);
    oak__http_response_error(&c->w->p, status);
    c->w->p.close = c->w->msg.body_error != 0;
    return 0;
}

/* Counts a client that went away during its handler, unless it had the whole response by then. */
static void note_hang_up(struct http_conn *c)
{
    const struct oak_http_response *p = &c->w->p;
    bool whole = p->committed && p->has_length && p->written == p->length;
    if (whole || c->counted || !atomic_load_explicit(&c->hung_up, memory_order_relaxed))
        return;
    c->counted = true;
    http_count(&c->server->hung_up);
}

/* Runs the handler and completes its response. False: the connection must end. */
static bool answer(struct http_conn *c)
{
    oak_http_server *s = c->server;
    int rc = -ENOMEM;
    atomic_store_explicit(&c->requests, atomic_load_explicit(&c->requests, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    oak__http_request_begin(c);
    oak__http_response_begin(c);
    oak_ctx *ctx = handler_ctx(c);
    if (c->w->out.len)
        oak__http_pend(c);
    if (ctx) {
        struct http_work *w = c->w;
        http_set_tag(&w->q, TAG_REQUEST);
        http_set_tag(&w->p, TAG_RESPONSE);
        oak_with_ctx (ctx)
            rc = s->opts.handler(&w->q, &w->p, s->opts.arg);
        oak__http_handles_end(w);
    }
    note_hang_up(c);
    if (rc < 0 && failed(c, rc))
        return false;
    rc = oak__http_response_end(&c->w->p);
    if (rc == -EBADMSG && !c->w->p.committed) {
        oak__http_log(s, "a handler's body for %s is shorter than its Content-Length", c->w->q.path);
        oak__http_response_error(&c->w->p, 500);
        rc = oak__http_response_end(&c->w->p);
    }
    oak__http_request_end(&c->w->q);
    return rc == 0;
}

/* Reads over what the handler left of the body. False: too much of it, or it is broken. Not to be inlined, as
 * linger. */
__attribute__((noinline)) static bool skip_body(struct http_conn *c)
{
    char waste[2048];
    size_t skipped = 0;
    while (!c->w->msg.body_done) {
        ssize_t n = oak__http_request_read(&c->w->q, waste, sizeof waste);
        if (n < 0)
            return false;
        skipped += (size_t)n;
        if (skipped > DRAIN_MOST)
            return false;
    }
    return true;
}

static void refuse(struct http_conn *c, int status)
{
    http_count(&c->server->malformed);
    oak__http_response_error(&c->w->p, status);
    c->w->p.close = true;
    (void)oak__http_response_end(&c->w->p);
}

void oak__http_serve_requests(void *conn)
{
    struct http_conn *c = conn;
    for (;;) {
        int rc = next_head(c);
        if (rc == 0 && c->w->msg.body == HTTP_BODY_LENGTH && c->w->msg.length > c->w->msg.bounds->body)
            rc = 413;
        if (rc) {
            if (rc > 0)
                refuse(c, rc);
            return;
        }
        if (!answer(c) || c->w->p.close || (!c->w->msg.body_done && !skip_body(c)))
            return;
        oak__http_msg_next(&c->w->msg);
    }
}
