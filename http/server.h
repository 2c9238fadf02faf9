/* The server and its monitor. For files under http/ only. */
#ifndef OAK_HTTP_SERVER_H
#define OAK_HTTP_SERVER_H

#include "conn.h"

#include <oakum/scope.h>
#include <pthread.h>

/*
 * One goroutine a server ("http monitor") that waits, in an epoll set of its own, for clients that go away.
 * Each connection is registered once, edge-triggered and for hang-up only: a request costs nothing.
 */
struct http_monitor {
    int epoll, wake;           /* wake: an eventfd in the set; -1: none */
    bool stopping;             /* guarded by the server's lock, as all below */
    bool asleep;               /* it must be woken when something becomes pending */
    struct http_conn *pending; /* oldest first */
    struct http_conn **pending_end;
};

/* Spare blocks of work: work.c. A place in memory of its own for each, as its lock goes from core to core. */
#define HTTP_SHELVES 8
struct http_shelf {
    _Alignas(64) pthread_mutex_t lock;
    struct http_work *spare;
    _Atomic unsigned count; /* written with the lock held */
};

struct oak_http_server {
    uint32_t tag;
    struct http_shelf shelves[HTTP_SHELVES];
    struct oak_http_server_opts opts; /* with the defaults filled in */
    struct http_bounds bounds;

    /*
     * Held for a few instructions and for system calls that do not block, never across an Oakum call: so it
     * may be a lock of the thread, and cancelled goroutines can take it, too.
     */
    pthread_mutex_t lock;
    struct http_conn *conns;
    struct http_monitor monitor;
    bool serving, shut; /* a serve is under way; oak_http_shutdown was called */
    oak_ctx *accepting; /* what the accept loop runs under */
    oak_scope
        *scope;
    uint64_t closed_requests; /* of connections that are gone */
    uint64_t open_conns;

    _Atomic bool draining;
    oak_waitgroup running; /* 1 while serving */
    oak_waitgroup open;    /* connections */
    oak_sem slots;         /* max_conns */
    _Atomic uint64_t accepted, malformed, timed_out, hung_up, panics;
};

static inline void http_lock(oak_http_server *s)
{
    pthread_mutex_lock(&s->lock);
}
static inline void http_unlock(oak_http_server *s)
{
    pthread_mutex_unlock(&s->lock);
}
static inline void http_count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* work.c */
void oak__http_shelves_open(oak_http_server *s);
void oak__http_shelves_close(oak_http_server *s);

/* monitor.c */
int oak__http_monitor_open(oak_http_server *s);
void oak__http_monitor_close(oak_http_server *s);
void oak__http_monitor_main(void *server);
void oak__http_monitor_stop(oak_http_server *s);
/* With the lock held: from now on c->life ends when the client goes away / no longer. */
void oak__http_monitor_add(struct http_conn *c);
void oak__http_monitor_remove(struct http_conn *c);

/* pending.c: before a handler runs while c->out is not empty; before c->out is touched afterwards. */
void oak__http_pend(struct http_conn *c);
void oak__http_unpend_slow(struct http_conn *c);
static inline void http_unpend(struct http_conn *c)
{
    if (c->maybe_pending)
        oak__http_unpend_slow(c);
}
/* With the lock held: hands connections that have been pending long enough to goroutines that send their
 * output. When the next one is due on oak_now()'s clock; OAK_FOREVER. */
int64_t oak__http_pending_due(oak_http_server *s);

/* log.c */
void oak__http_log(oak_http_server *s, const char *fmt, ...) OAK_PRINTF(2, 3);

#endif
