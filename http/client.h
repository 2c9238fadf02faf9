/* The client's parts. For files under http/ only. */
#ifndef OAK_HTTP_CLIENT_H
#define OAK_HTTP_CLIENT_H

#include "conn.h"

#include <pthread.h>

/* "http://host:port/path?query", taken apart. Texts are pieces of the URL, not terminated. */
struct http_url {
    const char *host; /* with the brackets of an IPv6 address, with the port where given: the Host field */
    size_t host_len;
    const char *target; /* from the path on, without a fragment; may be empty or begin with '?' */
    size_t target_len;
    bool has_port;
};
/* 0 or -EINVAL. */
int oak__http_url(const char *url, struct http_url *out);

/* A connection that waits for the next call to its address. */
struct http_kept {
    struct http_kept *next;
    oak_conn *sock;
    int64_t since;
    char address[];
};

struct oak_http_client {
    uint32_t tag;
    struct oak_http_client_opts opts; /* with the defaults filled in */
    struct http_bounds bounds;
    pthread_mutex_t lock;   /* guards the rest; never held across a blocking call */
    struct http_kept *kept; /* the latest first */
    unsigned nkept, ncalls;
};

struct oak_http_call {
    uint32_t tag;
    oak_http_client *client;
    oak_conn *sock;
    struct http_kept *place; /* where the connection will be kept */
    bool reused;             /* the connection served another call before */
    bool answered;           /* a byte of a response has come */
    struct http_inbuf in;
    struct http_msg msg;
    char *all;
    char in_storage[4096];
};

/* pool.c: a kept connection to address that still seems to be alive, or NULL. */
oak_conn *oak__http_pool_take(oak_http_client *c, const char *address);
/* Keeps the connection, or closes it. Takes place over. */
void oak__http_pool_give(oak_http_client *c, struct http_kept *place, oak_conn *sock);
void oak__http_pool_clear(oak_http_client *c);

/* compose.c: the request's head. 0, -EINVAL, -ENOMEM. */
int oak__http_compose(struct http_buf *b, const struct oak_http_call_opts *o, const struct http_url *url);

#endif
