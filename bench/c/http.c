/* A hello server on a free port of the loopback, which it prints; it serves until it is killed. */
#include "bench.h"

#include <oakum/http.h>
#include <stdio.h>
#include <string.h>

static int hello(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    return oak_http_reply(p, 200, "text/plain", "hello\n", 6);
}

void job_http(long count)
{
    (void)count;
    oak_listener *listener;
    char address[64];
    oak_http_server *server = oak_http_server_new(&(struct oak_http_server_opts){.handler = hello});

    must(server ? 0 : -ENOMEM, "http: oak_http_server_new");
    MUST(oak_listen("tcp", "127.0.0.1:0", &listener));
    MUST(oak_listener_addr(listener, address, sizeof address) < 0 ? -EIO : 0);
    printf("port %s\n", strrchr(address, ':') + 1);
    fflush(stdout);
    MUST(oak_http_serve(server, listener));
}
