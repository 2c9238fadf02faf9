/*
 * An HTTP/1.1 server and a small client, one goroutine a connection. In a library of its own: link with
 * `pkg-config --libs oakum-http`.
 *
 *     static int hello(oak_http_request *q, oak_http_response *p, void *arg)
 *     {
 *         return oak_http_reply(p, 200, "text/plain", "hello\n", 6);
 *     }
 *     ...
 *     oak_http_server *s = oak_http_server_new(&(struct oak_http_server_opts){.handler = hello});
 *     oak_listener *l;
 *     if (oak_listen("tcp", ":8080", &l) == 0)
 *         rc = oak_http_serve(s, l);              // until oak_http_shutdown
 *
 * A handler is straight-line code that may block: other connections go on. It runs in its connection's
 * goroutine under a context that ends when the client goes away or ends its sending side (-ECANCELED), when the
 * handler's time limit passes (-ETIMEDOUT) or when a shutdown runs out of patience (-ECANCELED): every blocking
 * Oakum call of the handler, and of the children of its scopes, then returns that error. A handler that never
 * blocks is not interrupted.
 *
 * A NULL handle, one of another kind, or one that was given back (as long as its memory is not used again), or NULL
 * where a pointer is needed: -EINVAL, or NULL from functions that return pointers; what frees does nothing then.
 *
 * Every limit has a default that is safe for a server on the open internet; OAK_FOREVER takes one away.
 */
#ifndef OAKUM_HTTP_H
#define OAKUM_HTTP_H

#include <oakum/base.h>
#include <oakum/net.h>

OAK__BEGIN

typedef struct oak_http_server oak_http_server;
typedef struct oak_http_request oak_http_request;
typedef struct oak_http_response oak_http_response;

/* ---- handlers ---- */

/*
 * Answers one request. Both handles are the server's and live until the handler has returned (afterwards -EINVAL,
 * until the next request or the server's end); they belong to the goroutine that runs it.
 *
 * Returns 0: the response is sent as it was composed (nothing composed: 200 with an empty body).
 * Returns a negative errno: what was composed is dropped and an error is sent in its place: 503 for
 * -ETIMEDOUT, 413 for -EMSGSIZE, 400 for -EBADMSG, 408 when the body came too slowly, 500 for all others. If
 * part of the response is already on its way, the connection is closed instead, so that the client sees that
 * it was cut. When the client has gone away nothing is sent. A panic in a handler is reported (opts.log),
 * answered with 500, and closes its connection; the server goes on.
 */
typedef int oak_http_handler(oak_http_request *q, oak_http_response *p, void *arg);

/* ---- the server ---- */

/* Time limits are nanoseconds; 0 in any member means its default, OAK_FOREVER no limit. */
struct oak_http_server_opts {
    oak_http_handler *handler; /* answers every request but CONNECT (501); see oak_http_router_handle */
    void *arg;                 /* given to it; stays the caller's */

    int64_t read_header_limit; /* from the first byte of a request to the end of its header: 408. 10 s */
    int64_t read_limit;        /* from there to the end of its body: 408. 60 s */
    int64_t write_limit;       /* for each piece of a response to be taken by the client: closed. 30 s */
    int64_t idle_limit;        /* from one response to the next request; up to an eighth (at most 1 s) later.
                                  120 s */
    int64_t handler_limit; /* for the handler; up to 1/64 (at most 8 ms) earlier. -ETIMEDOUT for its blocking
                              calls, then 503. 60 s */
    size_t max_header;  /* bytes of request line and header fields: 431 (414 if the line alone is too long).
                           Trailers too. 64 KiB */
    size_t max_fields;  /* header fields of a request: 431. 128 */
    int64_t max_body;   /* bytes of a request's body: 413. OAK_FOREVER: no limit. 8 MiB */
    unsigned max_conns; /* connections at a time; the next ones wait to be accepted. No limit */

    /* Called with a line of text, without a newline, for a panic in a handler and for trouble with accept.
     * May block. NULL: standard error. */
    void (*log)(void *arg, const char *line);
    void *log_arg;
};

/*
 * A server. The options are copied. NULL: no handler, a negative limit, or no memory. Never blocks; any
 * thread. Freeing while a serve is under way is -EBUSY and frees nothing; NULL does nothing. 0; -EINVAL (no server).
 */
OAK_API OAK_MUST_CHECK oak_http_server *oak_http_server_new(const struct oak_http_server_opts *opts);
OAK_API int oak_http_server_free(oak_http_server *s);

/*
 * Accepts and serves connections, until oak_http_shutdown or until the ambient context ends. Every goroutine
 * that it starts is in a scope of its own and has ended when it returns. Takes l over and closes it. Blocks;
 * goroutines only. 0 after a shutdown; -ECANCELED, -ETIMEDOUT (ambient context); -EBUSY (s is serving
 * already; l is closed), -EPIPE (s was shut down), -EINVAL, -ENOMEM, -EMFILE and so on.
 */
OAK_API OAK_MUST_CHECK int oak_http_serve(oak_http_server *s, oak_listener *l);

/*
 * Ends a serve in order: stops accepting, closes idle connections at once and the others after their current
 * request. When that has not happened after `patience` nanoseconds, what is left is cancelled: the handlers'
 * blocking calls return -ECANCELED. Returns when the serve is over: 0, or -ETIMEDOUT when it had to cancel.
 * A patience of 0 or less is none. -EINVAL (NULL), -ECANCELED / -ETIMEDOUT (ambient context: the shutdown then goes on
 * by itself, without end to its patience). Blocks. Any goroutine or thread but a handler of s. A server can be shut down only once.
 */
OAK_API int oak_http_shutdown(oak_http_server *s, int64_t patience);

struct oak_http_stats {
    uint64_t accepted;  /* connections since the start */
    uint64_t open;      /* connections now */
    uint64_t requests;  /* requests whose handler has run or is running */
    uint64_t malformed; /* requests refused before any handler saw them */
    uint64_t timed_out; /* handlers stopped by their time limit */
    uint64_t hung_up;   /* clients that went away while their handler ran */
    uint64_t panics;
};
/* A snapshot. 0 or -EINVAL. May block for a moment; any thread. */
OAK_API int oak_http_server_stats(oak_http_server *s, struct oak_http_stats *out);

/* ---- a small router ---- */

typedef struct oak_http_router oak_http_router;

/* An empty router; NULL: no memory. Free it after the server that uses it; NULL does nothing. Never block. */
OAK_API OAK_MUST_CHECK oak_http_router *oak_http_router_new(void);
OAK_API void oak_http_router_free(oak_http_router *r);
/*
 * Adds a route: requests with this method (NULL: any; GET also answers HEAD) whose path matches the pattern
 * go to handler(q, p, arg). A pattern is a path; a segment `{name}` matches any one non-empty segment, a last
 * segment `*` everything that follows: "/users/{id}/files/" then `*`. Paths are compared as sent, byte by
 * byte. The first route added that matches wins. The strings are copied. 0, -EINVAL (also: a method that is no
 * token, a pattern that is none), -ENOMEM. Not while a server uses the router. Never blocks.
 */
OAK_API OAK_MUST_CHECK int oak_http_route(oak_http_router *r, const char *method, const char *pattern,
                                          oak_http_handler *handler, void *arg);
/* The handler to give to a server, with the router as arg. 404, and 405 with Allow, where no route matches.
 */
OAK_API int oak_http_router_handle(oak_http_request *q, oak_http_response *p, void *router);
/*
 * What the pattern's {name} (or "*") matched, as sent. Writes it to buf, cut at size and terminated. Its
 * whole length, or -ENOENT, -EINVAL. Never blocks.
 */
OAK_API OAK_MUST_CHECK ssize_t oak_http_param(const oak_http_request *q, const char *name, char *buf,
                                              size_t size);

/* ---- requests. Strings are the request's and live as long as it does; none of these blocks ---- */

/* "GET" and so on. */
OAK_API const char *oak_http_method(const oak_http_request *q);
/* The path as sent, not decoded and not cleaned: "/a%20b/../c". "*" for OPTIONS *. */
OAK_API const char *oak_http_path(const oak_http_request *q);
/* What follows the first '?', as sent; "" when there is none. */
OAK_API const char *oak_http_query(const oak_http_request *q);
/*
 * The first query parameter of this name, percent-decoded, '+' as blank. Written to buf, cut at size and
 * terminated. Its whole length, or -ENOENT, -EINVAL.
 */
OAK_API OAK_MUST_CHECK ssize_t oak_http_query_param(const oak_http_request *q, const char *name, char *buf,
                                                    size_t size);
/* 10 or 11. */
OAK_API int oak_http_version(const oak_http_request *q);
/*
 * The value of the first field of this name (any case), without blanks around it; NULL. A request for "http://host/path" has the
 * host in there as the value of its Host field, whatever was sent.
 */
OAK_API const char *oak_http_header(const oak_http_request *q, const char *name);
/* All fields, in the order sent: 0, or -ENOENT past the last. Either pointer may be NULL. */
OAK_API int oak_http_header_at(const oak_http_request *q, size_t i, const char **name, const char **value);
/* Bytes of the body; 0: no body; -1: not known (chunked). */
OAK_API int64_t oak_http_content_length(const oak_http_request *q);
/* The client's address as oak_conn_remote_addr. */
OAK_API int oak_http_remote_addr(const oak_http_request *q, char *buf, size_t size);

/*
 * Reads the body piece by piece: at least one byte into buf, or 0 at its end. A client that asked for it is
 * told to continue by the first read. -EMSGSIZE (longer than max_body), -EBADMSG (malformed, or cut short),
 * -ETIMEDOUT, -ECANCELED, -EPIPE, -ECONNRESET; the same again on each later call. Blocks.
 */
OAK_API OAK_MUST_CHECK ssize_t oak_http_read(oak_http_request *q, void *buf, size_t size);
/*
 * The rest of the body in one piece, with a NUL behind it that does not count. *out is the request's and is
 * freed after the handler. Its length, or an error as above, or -ENOMEM. Blocks.
 */
OAK_API OAK_MUST_CHECK ssize_t oak_http_read_all(oak_http_request *q, char **out);

/* ---- responses ---- */

/* Sets the status, 200 to 599; 200 if never set. 0, -EINVAL, -EALREADY (the head is on its way). Never
 * blocks. */
OAK_API int oak_http_status(oak_http_response *p, int status);
/*
 * Sets (replaces) or adds a header field. Both strings are copied. A name that is no token, or CR, LF or NUL
 * in a value: -EINVAL, so that no header can be injected. Content-Length fixes the number of bytes that the
 * body must have; Transfer-Encoding is the server's own: -EINVAL. "Connection: close" closes after this
 * response. 0, -EINVAL, -EALREADY, -ENOMEM. Never blocks.
 */
OAK_API OAK_MUST_CHECK int oak_http_set_header(oak_http_response *p, const char *name, const char *value);
OAK_API OAK_MUST_CHECK int oak_http_add_header(oak_http_response *p, const char *name, const char *value);
/*
 * Appends to the body. What fits the buffer (4 KiB) waits there: a short body needs no length from the caller
 * and leaves with its head in one piece. Longer ones go out as they come: chunked, or up to the end of the
 * connection for HTTP/1.0, or as Content-Length says. Responses to HEAD, 204 and 304 send no body. 0;
 * -EMSGSIZE (more than Content-Length said: nothing of it is sent); -ECANCELED, -ETIMEDOUT, -EPIPE,
 * -ECONNRESET. May block.
 */
OAK_API OAK_MUST_CHECK int oak_http_write(oak_http_response *p, const void *data, size_t size);
OAK_API OAK_MUST_CHECK int oak_http_printf(oak_http_response *p, const char *fmt, ...) OAK_PRINTF(2, 3);
/* Sends what waits in the buffer, the head with it. For streams. Errors as oak_http_write. May block. */
OAK_API OAK_MUST_CHECK int oak_http_flush(oak_http_response *p);
/*
 * The whole response at once: status, type (NULL: none) and a body of a known length; fields set before stay.
 * The fastest way to answer. 0 or as the functions above. May block.
 */
OAK_API OAK_MUST_CHECK int oak_http_reply(oak_http_response *p, int status, const char *type,
                                          const void *body, size_t size);

/* ---- the client ---- */

typedef struct oak_http_client oak_http_client;
typedef struct oak_http_call oak_http_call;

struct oak_http_client_opts {
    int64_t limit;      /* for a whole call, from the start to the end of the body. 0: 30 s */
    size_t max_header;  /* bytes of a response's head: -EMSGSIZE. 0: 64 KiB */
    int64_t max_body;   /* bytes of a response's body: -EMSGSIZE. 0: 64 MiB */
    unsigned keep;      /* idle connections kept for later calls. 0: 16 */
    int64_t idle_limit; /* kept so long. 0: 30 s */
};

/* opts may be NULL. NULL: a negative limit, no memory. Any thread; never blocks. */
OAK_API OAK_MUST_CHECK oak_http_client *oak_http_client_new(const struct oak_http_client_opts *opts);
/* Closes the kept connections. -EBUSY when calls are open: nothing is freed. NULL does nothing. 0; -EINVAL (no
 * client). */
OAK_API int oak_http_client_free(oak_http_client *c);

struct oak_http_field {
    const char *name, *value;
};
struct oak_http_call_opts {
    const char *method;                  /* NULL: GET */
    const char *url;                     /* "http://host[:port]/path?query"; no other scheme */
    const struct oak_http_field *fields; /* nfields of them; Host, Content-Length are added where missing */
    size_t nfields;
    const void *body; /* sent with its length; stays the caller's */
    size_t size;
    int64_t limit; /* for this call; 0: the client's */
};

/*
 * Sends a request and waits for the head of the response. *out is the caller's: oak_http_call_close. Many
 * goroutines may use one client. A kept connection that turns out to be closed is replaced by a new one,
 * once, for requests that may be repeated (GET, HEAD, OPTIONS, PUT, DELETE). 0; -EINVAL (a bad URL or field);
 * -ENOENT (no such host), -ECONNREFUSED and so on; -EBADMSG (not HTTP); -EMSGSIZE; -ETIMEDOUT, -ECANCELED,
 * -ENOMEM. Blocks.
 */
OAK_API OAK_MUST_CHECK int oak_http_do(oak_http_client *c, const struct oak_http_call_opts *opts,
                                       oak_http_call **out);
/* The same for GET, and for POST of size bytes at body with Content-Type type (NULL: none). */
OAK_API OAK_MUST_CHECK int oak_http_get(oak_http_client *c, const char *url, oak_http_call **out);
OAK_API OAK_MUST_CHECK int oak_http_post(oak_http_client *c, const char *url, const char *type,
                                         const void *body, size_t size, oak_http_call **out);
/* The response's status, 100 to 599; its fields as oak_http_header and oak_http_header_at, k's and valid until it is closed. Never
 * block. */
OAK_API int oak_http_call_status(const oak_http_call *k);
OAK_API const char *oak_http_call_header(const oak_http_call *k, const char *name);
OAK_API int oak_http_call_header_at(const oak_http_call *k, size_t i, const char **name, const char **value);
/* The body, as oak_http_read and oak_http_read_all; what read_all gives lives until close. Block. */
OAK_API OAK_MUST_CHECK ssize_t oak_http_call_read(oak_http_call *k, void *buf, size_t size);
OAK_API OAK_MUST_CHECK ssize_t oak_http_call_read_all(oak_http_call *k, char **out);
/* Ends the call; keeps the connection if the body was read to its end, else closes it. NULL does nothing.
 * Never blocks. */
OAK_API void oak_http_call_close(oak_http_call *k);

OAK__END

#endif
