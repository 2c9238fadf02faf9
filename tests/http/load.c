/*
 * A server for real clients: load.sh drives it with curl and wrk. Prints "port N", serves until its standard input ends,
 * shuts down, and exits with 0 if everything that it saw was in order.
 */
#include <oakum.h>
#include <oakum/http.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int hello(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    return oak_http_reply(p, 200, "text/plain", "hello\n", 6);
}

static int echo(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    char *body;
    ssize_t n = oak_http_read_all(q, &body);
    return n < 0 ? (int)n : oak_http_reply(p, 200, "application/octet-stream", body, (size_t)n);
}

/* What comes in goes out again, without ever being held as a whole. */
static int through(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    char buf[10000];
    ssize_t n;
    int rc = 0;
    while (rc == 0 && (n = oak_http_read(q, buf, sizeof buf)) != 0)
        rc = n < 0 ? (int)n : oak_http_write(p, buf, (size_t)n);
    return rc;
}

static int slow(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    int rc = oak_sleep(20 * OAK_MILLISECOND);
    return rc ? rc : oak_http_reply(p, 200, NULL, "slow\n", 5);
}

static int hang(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)p, (void)arg;
    return oak_sleep(OAK_HOUR);
}

static int stats(oak_http_request *q, oak_http_response *p, void *arg)
{
    struct oak_http_stats s;
    (void)q;
    int rc = oak_http_server_stats(arg, &s);
    return rc ? rc
              : oak_http_printf(p, "accepted %ju\nopen %ju\nrequests %ju\nmalformed %ju\nhung_up %ju\n",
                                (uintmax_t)s.accepted, (uintmax_t)s.open, (uintmax_t)s.requests,
                                (uintmax_t)s.malformed, (uintmax_t)s.hung_up);
}

static oak_http_server *server;
static int shutdown_result;

OAK_TASK(stop_at_end_of_input)
{
    char byte;
    oak_conn *in;
    if (oak_conn_from_fd(dup(0), &in) == 0) {
        while (oak_read(in, &byte, 1) > 0)
            ;
        oak_conn_close(in);
    }
    shutdown_result = oak_http_shutdown(server, 10 * OAK_SECOND);
}

static int app(int argc, char **argv)
{
    (void)argc, (void)argv;
    char address[64];
    oak_listener *l;
    int rc = -ENOMEM;
    oak_http_router *r = oak_http_router_new();
    server = oak_http_server_new(
        &(struct oak_http_server_opts){.handler = oak_http_router_handle, .arg = r, .max_body = 64 << 20});
    if (!r || !server || oak_http_route(r, "GET", "/", hello, NULL) ||
        oak_http_route(r, NULL, "/echo", echo, NULL) || oak_http_route(r, NULL, "/through", through, NULL) ||
        oak_http_route(r, "GET", "/slow", slow, NULL) || oak_http_route(r, "GET", "/hang", hang, NULL) ||
        oak_http_route(r, "GET", "/stats", stats, server) || oak_listen("tcp", "127.0.0.1:0", &l))
        return 1;
    oak_listener_addr(l, address, sizeof address);
    printf("port %s\n", strrchr(address, ':') + 1);
    fflush(stdout);
    oak_scope (s) {
        if (oak_go(s, stop_at_end_of_input) == 0)
            rc = oak_http_serve(server, l);
    }
    oak_http_server_free(server);
    oak_http_router_free(r);
    if (rc || shutdown_result)
        fprintf(stderr, "serve: %d, shutdown: %d\n", rc, shutdown_result);
    return rc || shutdown_result;
}

int main(int argc, char **argv)
{
    return oak_run(app, argc, argv) ? 1 : 0;
}
