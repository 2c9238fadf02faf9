/*
 * One client's connection, and all that its goroutine works with: nothing here is shared but what says so.
 * For files under http/ only.
 *
 * A connection's goroutine ("http conn") reads a request, runs its handler, and puts the response behind the
 * ones that wait in `out`. `out` is sent before the goroutine waits for the client: so each response, and
 * each batch of pipelined ones, is one write. Should a handler take long while earlier responses wait, the
 * monitor has them sent (pending.c).
 *
 * Most connections are idle. What only a request needs (the buffers, the parser, the request and response) is
 * a block of work: the goroutine takes one from the server when bytes have come, and gives it back before it
 * waits for the next request (work.c). An idle connection is this struct, a context and a page of stack.
 */
#ifndef OAK_HTTP_CONN_H
#define OAK_HTTP_CONN_H

#include "buf.h"
#include "handle.h"
#include "message.h"

#include <oakum/ctx.h>
#include <oakum/http.h>
#include <oakum/sync.h>
#include <stdatomic.h>

struct http_param {
    const char *name; /* the route's, not terminated */
    size_t name_len;
    const char *value; /* into the path */
    size_t value_len;
};
#define HTTP_PARAMS 8

struct oak_http_request {
    uint32_t tag;
    struct http_conn *c;
    const char *path, *query;
    struct http_param params[HTTP_PARAMS];
    unsigned nparams;
    bool continued; /* 100 Continue was sent, or there is no need for it */
    bool waiting;   /* the time limit for the body is armed */
    char *all;      /* oak_http_read_all's */
};

struct oak_http_response {
    uint32_t tag;
    struct http_conn *c;
    int status;
    bool committed; /* the head is composed; it cannot be changed any more */
    bool bodiless;  /* HEAD, 204, 304: body bytes are counted, not sent */
    bool chunked;
    bool has_length;
    bool has_date;
    bool close;             /* the connection ends with this response */
    uint64_t length;        /* has_length: the body must have so many bytes */
    uint64_t written;       /* bytes that the handler gave */
    struct http_buf fields; /* "Name: value CR LF" lines */
    struct http_buf body;   /* not yet sent */
    char fields_storage[256];
};

#define HTTP_DATE_LINE 37 /* "Date: Sun, 06 Nov 1994 08:49:37 GMT" CR LF */

/* What a connection is in the middle of, for a shutdown. Its goroutine writes it, others read. */
enum http_state { HTTP_IDLE, HTTP_BUSY };

/* What serves one request after the other; of any connection, one at a time. */
struct http_work {
    struct http_work *next; /* among the spare ones */
    struct http_inbuf in;
    struct http_msg msg;
    struct http_buf out;
    struct oak_http_request q;
    struct oak_http_response p;
    long date_second;
    char date[HTTP_DATE_LINE + 1];
    char in_storage[1024];
    char out_storage[1024];
};

struct http_conn {
    oak_http_server *server;
    oak_conn *sock;
    struct http_work *w;           /* NULL while idle */
    struct http_conn *prev, *next; /* server's list; guarded by its lock */
    _Atomic int state;             /* enum http_state */
    _Atomic uint64_t requests;
    _Atomic bool hung_up; /* the client has gone away; set by the monitor, which cancels life as well */

    oak_ctx *life;    /* ends when the client goes away; parent: the server's scope */
    oak_ctx *limited; /* its child with the handler's time limit, used for all requests of a few ms */
    int64_t limited_since;

    struct http_conn *pending_next; /* pending.c; guarded by the server's lock */
    bool pending, maybe_pending;
    int64_t pending_since;
    oak_waitgroup flushers; /* goroutines that send `out` on behalf of this one */

    int64_t now;               /* when bytes came last */
    int64_t read_by, write_by; /* the deadlines that are armed */
    int broken;                /* negative errno: nothing can be sent any more */
    bool fresh;                /* no request has come yet */
    bool panicked;
    bool counted; /* among the clients that hung up */
};

/* conn.c: serves one accepted connection to its end, then closes and frees it. */
void oak__http_conn_main(void *conn);
/* work.c: gives c a block of work, for a request that has not begun; -ENOMEM. */
int oak__http_work_take(struct http_conn *c);
/* Takes it away, if it has one: nothing that it holds is needed any more. */
void oak__http_work_give(struct http_conn *c);
/* The handler is over: what it was given is no handle any more. */
static inline void oak__http_handles_end(struct http_work *w)
{
    http_set_tag(&w->q, TAG_NONE);
    http_set_tag(&w->p, TAG_NONE);
}
/* answer.c: serves its requests until it has to end. */
void oak__http_serve_requests(void *conn);

/* io.c: reads into the buffer. Bytes; 0: end of stream; negative errno. */
ssize_t oak__http_fill(struct http_inbuf *in, oak_conn *sock);
/* The same without waiting: -EAGAIN. */
ssize_t oak__http_try_fill(struct http_inbuf *in, oak_conn *sock);
/* Body bytes, from the buffer and then from the socket. As oak_http_read. */
ssize_t oak__http_body_read(struct http_msg *m, oak_conn *sock, void *out, size_t size);
/* The rest of the body; the caller frees *out. */
ssize_t oak__http_body_all(struct http_msg *m, ssize_t (*read)(void *from, void *buf, size_t size),
                           void *from, char **out);
void oak__http_read_by(struct http_conn *c, int64_t deadline);
/* A deadline about `limit` from now that need not be set anew each time; up to an eighth later, at most 1 s.
 */
void oak__http_read_within(struct http_conn *c, int64_t limit);

/* out.c: 0 or what broke the connection. */
int oak__http_flush_out(struct http_conn *c);
int oak__http_emit(struct http_conn *c, const struct iovec *iov, int n);

/* request.c, response.c, write.c */
void oak__http_request_begin(struct http_conn *c);
ssize_t oak__http_request_read(struct oak_http_request *q, void *buf, size_t size); /* as oak_http_read */
void oak__http_request_end(struct oak_http_request *q);
void oak__http_response_begin(struct http_conn *c);
/* The handler is done: sends what is left. 0, or negative: the response cannot be completed. */
int oak__http_response_end(struct oak_http_response *p);
/* Drops what was composed, which is not committed, and composes an error in its place. */
void oak__http_response_error(struct oak_http_response *p, int status);
int oak__http_commit(struct oak_http_response *p, bool length_known, uint64_t length);

/* A name or a value that may be sent. */
bool oak__http_is_token(const char *s);
bool oak__http_is_value(const char *s);

/* date.c: the Date line for now. */
const char *oak__http_date_line(struct http_conn *c);
const char *oak__http_reason(int status);

#endif
