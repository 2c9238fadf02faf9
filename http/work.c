/*
 * Blocks of work: what a connection needs only while it serves requests.
 *
 * Spare blocks lie on shelves. A core takes from its own and gives back to its own, the latest first, so that
 * a busy server works with a few blocks that its caches know, however many connections there are. A shelf
 * that is empty is helped out by the others; only when all are does a block come from the heap, and only what
 * a full shelf has no room for goes back there. Which core it is only decides where to look first: a goroutine
 * may find itself on another one at any moment.
 */
#include "server.h"

#include <sched.h>
#include <stdlib.h>

#define SHELF_MOST 64
/* A buffer that grew over this is not kept. */
#define KEEP_MOST 8192

void oak__http_shelves_open(oak_http_server *s)
{
    for (int i = 0; i < HTTP_SHELVES; i++)
        pthread_mutex_init(&s->shelves[i].lock, NULL);
}

static void destroy(struct http_work *w)
{
    oak__http_buf_free(&w->p.fields);
    oak__http_buf_free(&w->p.body);
    oak__http_msg_free(&w->msg);
    oak__http_in_free(&w->in);
    oak__http_buf_free(&w->out);
    free(w);
}

void oak__http_shelves_close(oak_http_server *s)
{
    for (int i = 0; i < HTTP_SHELVES; i++) {
        struct http_shelf *shelf = &s->shelves[i];
        for (struct http_work *w = shelf->spare, *next; w; w = next) {
            next = w->next;
            destroy(w);
        }
        pthread_mutex_destroy(&shelf->lock);
    }
}

static unsigned here(void)
{
    int cpu = sched_getcpu();
    return cpu < 0 ? 0 : (unsigned)cpu;
}

static unsigned count_of(struct http_shelf *shelf)
{
    return atomic_load_explicit(&shelf->count, memory_order_relaxed);
}

/* With the lock held. */
static void set_count(struct http_shelf *shelf, unsigned n)
{
    atomic_store_explicit(&shelf->count, n, memory_order_relaxed);
}

static struct http_work *pop(struct http_shelf *shelf)
{
    pthread_mutex_lock(&shelf->lock);
    struct http_work *w = shelf->spare;
    if (w) {
        shelf->spare = w->next;
        set_count(shelf, count_of(shelf) - 1);
    }
    pthread_mutex_unlock(&shelf->lock);
    return w;
}

static struct http_work *find_spare(oak_http_server *s)
{
    struct http_work *w = NULL;
    unsigned first = here();
    for (unsigned i = 0; i < HTTP_SHELVES && !w; i++) {
        struct http_shelf *shelf = &s->shelves[(first + i) % HTTP_SHELVES];
        if (count_of(shelf))
            w = pop(shelf);
    }
    return w;
}

static bool push(struct http_shelf *shelf, struct http_work *w)
{
    pthread_mutex_lock(&shelf->lock);
    bool room = count_of(shelf) < SHELF_MOST;
    if (room) {
        w->next = shelf->spare;
        shelf->spare = w;
        set_count(shelf, count_of(shelf) + 1);
    }
    pthread_mutex_unlock(&shelf->lock);
    return room;
}

static struct http_work *new_work(oak_http_server *s)
{
    struct http_work *w = malloc(sizeof *w);
    if (!w)
        return NULL;
    /* The buffers need no clearing. */
    memset(w, 0, offsetof(struct http_work, in_storage));
    w->date_second = -1;
    oak__http_in_init(&w->in, w->in_storage, sizeof w->in_storage);
    oak__http_msg_init(&w->msg, HTTP_REQUEST, &w->in, &s->bounds);
    http_buf_init(&w->out, w->out_storage, sizeof w->out_storage);
    http_buf_init(&w->p.fields, w->p.fields_storage, sizeof w->p.fields_storage);
    http_buf_init(&w->p.body, NULL, 0);
    return w;
}

int oak__http_work_take(struct http_conn *c)
{
    struct http_work *w = find_spare(c->server);
    if (!w)
        w = new_work(c->server);
    if (!w)
        return -ENOMEM;
    w->q.c = w->p.c = c;
    c->w = w;
    return 0;
}

static void clear(struct http_work *w)
{
    oak__http_request_end(&w->q);
    w->in.start = w->in.end = 0;
    oak__http_msg_next(&w->msg);
}

/* The usual case; else the connection has ended, in the middle of anything. */
static bool between_requests(const struct http_work *w)
{
    return !w->msg.complete && w->msg.fed == 0 && http_in_len(&w->in) == 0 && w->out.len == 0;
}

void oak__http_work_give(struct http_conn *c)
{
    struct http_work *w = c->w;
    if (!w)
        return;
    c->w = NULL;
    if (!between_requests(w))
        clear(w);
    oak__http_buf_reset(&w->out, KEEP_MOST);
    oak__http_buf_reset(&w->p.fields, KEEP_MOST);
    oak__http_buf_reset(&w->p.body, KEEP_MOST);
    if (!push(&c->server->shelves[here() % HTTP_SHELVES], w))
        destroy(w);
}
