/* The monitor: clients that go away, and output that has waited too long. */
#include "server.h"

#include <oakum/go.h>
#include <oakum/net.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BATCH 64

static int add_to_set(struct http_monitor *m, int fd, uint32_t events, void *who)
{
    struct epoll_event e = {.events = events, .data.ptr = who};
    return epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

int oak__http_monitor_open(oak_http_server *s)
{
    struct http_monitor *m = &s->monitor;
    m->pending = NULL;
    m->pending_end = &m->pending;
    m->stopping = m->asleep = false;
    m->wake = -1;
    m->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (m->epoll < 0)
        return -errno;
    oak__own_set(m->epoll, true);
    m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = m->wake < 0 ? -errno : add_to_set(m, m->wake, EPOLLIN, NULL);
    if (rc)
        oak__http_monitor_close(s);
    return rc;
}

void oak__http_monitor_close(oak_http_server *s)
{
    struct http_monitor *m = &s->monitor;
    if (m->wake >= 0)
        close(m->wake);
    if (m->epoll >= 0) {
        oak__own_set(m->epoll, false);
        close(m->epoll);
    }
    m->epoll = m->wake = -1;
}

void oak__http_monitor_stop(oak_http_server *s)
{
    http_lock(s);
    s->monitor.stopping = true;
    http_unlock(s);
    (void)!write(s->monitor.wake, &(uint64_t){1}, sizeof(uint64_t));
}

/*
 * Both with the lock held, as is the reading of events: an event in hand is of a connection that is still
 * there. Should registering fail (no memory), the connection works, but nobody notices when its client goes
 * away.
 */
void oak__http_monitor_add(struct http_conn *c)
{
    (void)add_to_set(&c->server->monitor, oak_conn_fd(c->sock), EPOLLRDHUP | EPOLLET, c);
}

void oak__http_monitor_remove(struct http_conn *c)
{
    epoll_ctl(c->server->monitor.epoll, EPOLL_CTL_DEL, oak_conn_fd(c->sock), NULL);
}

static void gone(struct http_conn *c)
{
    atomic_store(&c->hung_up, true);
    oak_ctx_cancel(c->life, -ECONNRESET);
}

/* Up to a batch of events. False: stop. */
static bool look(oak_http_server *s)
{
    struct epoll_event events[BATCH];
    http_lock(s);
    int n = epoll_wait(s->monitor.epoll, events, BATCH, 0);
    for (int i = 0; i < n; i++) {
        uint64_t count;
        if (events[i].data.ptr)
            gone(events[i].data.ptr);
        else
            (void)!read(s->monitor.wake, &count, sizeof count);
    }
    bool go_on = !s->monitor.stopping;
    http_unlock(s);
    return go_on;
}

void oak__http_monitor_main(void *server)
{
    oak_http_server *s = server;
    while (look(s)) {
        int64_t due = oak__http_pending_due(s);
        int64_t limit = due;
        if (due != OAK_FOREVER) {
            limit = due - oak_now();
            if (limit <= 0)
                continue;
        }
        int rc = oak_wait_fd(s->monitor.epoll, OAK_READABLE, limit);
        /* Cancelled: connections are ending; they go on without being watched. */
        if (rc < 0 && rc != -ETIMEDOUT)
            return;
        if (rc == -ETIMEDOUT && due == OAK_FOREVER)
            return;
    }
}
