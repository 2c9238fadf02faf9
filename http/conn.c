/*
 * A connection's life: accept, serve, close.
 *
 * The requests are served under one oak_recover, not one for each: a panic in a handler ends its connection.
 */
#include "server.h"

#include <oakum/go.h>
#include <oakum/panic.h>
#include <stdlib.h>

/* A client that is still sending gets so much time and so many bytes to see why we stop listening. */
#define LINGER_TIME (1 * OAK_SECOND)
#define LINGER_MOST (1 << 20)

static void panicked(struct http_conn *c, const struct oak_panic_info *info)
{
    char who[128] = "";
    c->panicked = true;
    http_count(&c->server->panics);
    oak_conn_remote_addr(c->sock, who, sizeof who);
    oak__http_log(c->server, "panic while serving %s %s for %s: %s", oak_http_method(&c->w->q), c->w->q.path,
                  who, info->message);
    oak__http_handles_end(c->w);
    if (!c->w->p.committed) {
        oak__http_response_error(&c->w->p, 500);
        (void)oak__http_response_end(&c->w->p);
    }
}

/*
 * Closing a socket on which unread bytes lie sends a reset, which may overtake the response in the client's
 * kernel. So the end of stream goes first, and what the client is still sending is read over for a while.
 */
static bool must_linger(struct http_conn *c)
{
    const struct http_work *w = c->w;
    /* Idle: another request may be on its way, and so may be the response to the one before. */
    if (!w)
        return !c->broken && c->requests > 0;
    if (w->msg.body_done && http_in_len(&w->in) == 0 && w->msg.complete)
        return false;
    return !c->broken && w->p.committed;
}

/* Not to be inlined: its buffer would be part of the stack on which the connection is idle. */
__attribute__((noinline)) static void linger(struct http_conn *c)
{
    char waste[2048];
    size_t left = LINGER_MOST;
    if (oak_conn_close_write(c->sock))
        return;
    oak_conn_set_read_deadline(c->sock, oak_now() + LINGER_TIME);
    while (left > 0) {
        ssize_t n = oak_read(c->sock, waste, sizeof waste);
        if (n <= 0)
            return;
        left -= (size_t)n < left ? (size_t)n : left;
    }
}

static void enter(struct http_conn *c)
{
    oak_http_server *s = c->server;
    http_lock(s);
    c->next = s->conns;
    if (c->next)
        c->next->prev = c;
    s->conns = c;
    s->open_conns++;
    oak__http_monitor_add(c);
    http_unlock(s);
}

static void leave(struct http_conn *c)
{
    oak_http_server *s = c->server;
    http_lock(s);
    oak__http_monitor_remove(c);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    s->open_conns--;
    s->closed_requests += atomic_load_explicit(&c->requests, memory_order_relaxed);
    http_unlock(s);
}

static void release(struct http_conn *c)
{
    oak_ctx_unref(c->limited);
    oak_ctx_unref(c->life);
    oak__http_work_give(c);
    free(c);
}

void oak__http_conn_main(void *conn)
{
    struct http_conn *c = conn;
    oak_http_server *s = c->server;
    struct oak_panic_info info;
    c->life = oak_ctx_new(oak_ctx_current());
    c->now = oak_now();
    if (c->life) {
        enter(c);
        if (oak_recover(oak__http_serve_requests, c, &info) == -ENOTRECOVERABLE)
            panicked(c, &info);
        if (c->w)
            (void)oak__http_flush_out(c);
        if (must_linger(c))
            linger(c);
        leave(c);
    }
    oak_conn_close(c->sock);
    release(c);
    (void)oak_sem_release(&s->slots, 1);
    oak_waitgroup_done(&s->open);
}
