/*
 * An HTTP gateway in front of a slow service, in two variants: one leaks goroutines, the other does not.
 *
 * usage: gateway leaky|repaired [PORT]
 *
 * Serves on the loopback (PORT 0 or none: any free port, which it prints) until SIGTERM or SIGINT.
 * GET /        asks the service        GET /stats   figures: goroutines, memory, requests
 * GET /report  all goroutines          GET /leaks   those that will never run again, with the proof
 */
#include "gateway.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Blocked in all threads, from before there are any: they arrive on a descriptor. */
static sigset_t stop_signals;

OAK_TASK(stop_on_signal, oak_http_server *, server)
{
    oak_set_name("signals");
    int fd = signalfd(-1, &stop_signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return;
    if (oak_wait_fd(fd, OAK_READABLE, OAK_FOREVER) > 0)
        oak_http_shutdown(server, OAK_SECOND);
    close(fd);
}

static int add_routes(oak_http_router *r, oak_http_handler *handler, oak_http_server *server)
{
    int rc = oak_http_route(r, "GET", "/", handler, NULL);
    rc = rc ? rc : oak_http_route(r, "GET", "/stats", admin_stats, server);
    rc = rc ? rc : oak_http_route(r, "GET", "/report", admin_report, NULL);
    return rc ? rc : oak_http_route(r, "GET", "/leaks", admin_leaks, NULL);
}

/* 0, or negative errno when serving ended by anything but a signal. */
static int serve(oak_http_server *server, oak_listener *l)
{
    char address[64];
    int rc = 0;
    oak_listener_addr(l, address, sizeof address);
    printf("port %s\n", strrchr(address, ':') + 1);
    fflush(stdout);
    oak_scope (s, .name = "gateway") {
        rc = oak_go(s, stop_on_signal, server);
        if (rc == 0)
            rc = oak_http_serve(server, l);
        else
            oak_listener_close(l);
        oak_scope_cancel(s, 0);
    }
    return rc;
}

static int complain(const char *what, int rc)
{
    fprintf(stderr, "gateway: %s: %s\n", what, strerror(-rc));
    return 1;
}

static int app(int argc, char **argv)
{
    bool leaky = strcmp(argv[1], "leaky") == 0;
    char address[64];
    oak_listener *l;
    snprintf(address, sizeof address, "127.0.0.1:%.20s", argc > 2 ? argv[2] : "0");
    int rc = oak_listen("tcp", address, &l);
    if (rc)
        return complain(address, rc);
    oak_http_router *router = oak_http_router_new();
    oak_http_server *server =
        oak_http_server_new(&(struct oak_http_server_opts){.handler = oak_http_router_handle, .arg = router});
    rc = router && server ? add_routes(router, leaky ? leaky_handler : repaired_handler, server) : -ENOMEM;
    if (rc == 0)
        rc = serve(server, l);
    else
        oak_listener_close(l);
    oak_http_server_free(server);
    oak_http_router_free(router);
    return rc ? complain("serve", rc) : 0;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3 || (strcmp(argv[1], "leaky") != 0 && strcmp(argv[1], "repaired") != 0)) {
        fprintf(stderr, "usage: %s leaky|repaired [PORT]\n", argv[0]);
        return 2;
    }
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGTERM);
    sigaddset(&stop_signals, SIGINT);
    sigprocmask(SIG_BLOCK, &stop_signals, NULL);
    return oak_run(app, argc, argv);
}
