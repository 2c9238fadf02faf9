/*
 * Serving and shutting down.
 *
 * A serve is a scope: the accept loop in its owner, and as children the monitor, a goroutine for each
 * connection, and those that flush. A shutdown says so (draining), closes the listener, and makes the reads
 * of idle connections end by a deadline in the past; busy ones look at draining before they would wait for
 * another request. What outlives the patience is cancelled through the scope.
 */
#include "server.h"

#include <oakum/go.h>
#include <stdlib.h>

static struct http_conn *new_conn(oak_http_server *s, oak_conn *sock)
{
    struct http_conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->server = s;
    c->sock = sock;
    c->fresh = true;
    c->read_by = c->write_by = OAK_FOREVER;
    return c;
}

/* Starts a connection's goroutine; when that fails, the connection is closed. */
static int start(oak_http_server *s, oak_conn *sock)
{
    const struct oak_spawn_opts opts = {.name = "http conn", .scope = s->scope};
    struct http_conn *c = new_conn(s, sock);
    int rc = -ENOMEM;
    http_count(&s->accepted);
    oak_waitgroup_add(&s->open, 1);
    if (c && (rc = oak_spawn_with(&opts, oak__http_conn_main, c)) == 0)
        return 0;
    free(c);
    oak_conn_close(sock);
    oak_sem_release(&s->slots, 1);
    oak_waitgroup_done(&s->open);
    return rc;
}

/* Out of descriptors or memory: later may be better. False for what will not get better. */
static bool passes(int err)
{
    return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -ENOBUFS || err == -ENOSPC ||
           err == -EAGAIN || err == -ECONNABORTED || err == -EPERM || err == -EPROTO;
}

#define PAUSE_FIRST (5 * OAK_MILLISECOND)
#define PAUSE_LAST  (1 * OAK_SECOND)

static int accept_all(oak_http_server *s, oak_listener *l)
{
    int64_t pause = PAUSE_FIRST;
    for (;;) {
        oak_conn *sock;
        int rc = oak_sem_acquire(&s->slots, 1);
        if (rc)
            return rc;
        rc = oak_accept(l, &sock);
        if (rc == 0) {
            rc = start(s, sock);
            if (rc == 0) {
                pause = PAUSE_FIRST;
                continue;
            }
        } else {
            oak_sem_release(&s->slots, 1);
        }
        if (!passes(rc))
            return rc;
        if (pause == PAUSE_FIRST)
            oak__http_log(s, "accept: %s; trying again", strerror(-rc));
        rc = oak_sleep(pause);
        if (rc)
            return rc;
        pause = pause * 2 < PAUSE_LAST ? pause * 2 : PAUSE_LAST;
    }
}

/* With the lock held. */
static void close_idle(oak_http_server *s)
{
    for (struct http_conn *c = s->conns; c; c = c->next)
        if (atomic_load(&c->state) == HTTP_IDLE)
            oak_conn_set_read_deadline(c->sock, oak_now() - 1);
}

/* Accepts until a shutdown (0) or an error, then closes the listener. */
static int accept_until_shut(oak_http_server *s, oak_listener *l)
{
    int rc = -ENOMEM;
    oak_ctx *ctx = oak_ctx_new(oak_ctx_current());
    http_lock(s);
    s->accepting = ctx;
    bool shut = s->shut;
    http_unlock(s);
    if (ctx && !shut) {
        oak_with_ctx (ctx)
            rc = accept_all(s, l);
    }
    oak_listener_close(l);
    http_lock(s);
    s->accepting = NULL;
    if (s->shut)
        rc = 0;
    http_unlock(s);
    oak_ctx_unref(ctx);
    return rc;
}

static int run(oak_http_server *s, oak_scope *scope, oak_listener *l)
{
    const struct oak_spawn_opts opts = {.name = "http monitor", .scope = scope};
    http_lock(s);
    s->scope = scope;
    http_unlock(s);
    int rc = oak_spawn_with(&opts, oak__http_monitor_main, s);
    if (rc) {
        oak_listener_close(l);
        return rc;
    }
    rc = accept_until_shut(s, l);
    /* Any other end of accepting cancels the connections: nobody else would end them. */
    if (rc)
        oak_scope_cancel(scope, rc);
    oak_with_ctx (NULL) {
        while (oak_waitgroup_wait(&s->open))
            ;
    }
    http_lock(s);
    s->scope = NULL;
    http_unlock(s);
    oak__http_monitor_stop(s);
    return rc;
}

static int begin(oak_http_server *s)
{
    http_lock(s);
    int rc = s->shut ? -EPIPE : s->serving ? -EBUSY : 0;
    if (rc == 0)
        rc = oak__http_monitor_open(s);
    if (rc == 0) {
        s->serving = true;
        oak_waitgroup_add(&s->running, 1);
    }
    http_unlock(s);
    return rc;
}

int oak_http_serve(oak_http_server *s, oak_listener *l)
{
    if (!http_is(s, TAG_SERVER) || !l || !oak_in_goroutine()) {
        if (l)
            oak_listener_close(l);
        return -EINVAL;
    }
    int rc = begin(s);
    if (rc) {
        oak_listener_close(l);
        return rc;
    }
    oak_scope (scope, .name = "http server", .policy = OAK_SUPERVISE) {
        rc = run(s, scope, l);
    }
    http_lock(s);
    oak__http_monitor_close(s);
    s->serving = false;
    oak_waitgroup_done(&s->running);
    http_unlock(s);
    return rc;
}

/* Tells the accept loop and the idle connections. False: there is nothing to wait for. */
static bool announce(oak_http_server *s)
{
    http_lock(s);
    s->shut = true;
    bool serving = s->serving;
    atomic_store(&s->draining, true);
    if (s->accepting)
        oak_ctx_cancel(s->accepting, -ESHUTDOWN);
    close_idle(s);
    http_unlock(s);
    return serving;
}

static void cancel_all(oak_http_server *s)
{
    http_lock(s);
    if (s->scope)
        oak_scope_cancel(s->scope, -ESHUTDOWN);
    http_unlock(s);
}

int oak_http_shutdown(oak_http_server *s, int64_t patience)
{
    if (!http_is(s, TAG_SERVER))
        return -EINVAL;
    if (!announce(s))
        return 0;
    int rc = oak_waitgroup_wait_timeout(&s->running, patience < 0 ? 0 : patience);
    if (rc != -ETIMEDOUT || oak_ctx_err(oak_ctx_current()))
        return rc;
    cancel_all(s);
    int rc2 = oak_waitgroup_wait(&s->running);
    return rc2 ? rc2 : rc;
}
