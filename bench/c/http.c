/*
 * A hello server on a free port of the loopback, which it prints; it serves until it is killed. http_checked: beside count parked
 * goroutines and a heap, with a leak check every OAKBENCH_CHECK milliseconds (unset: none).
 */
#include "bench.h"

#include <oakum/http.h>
#include <stdio.h>
#include <stdlib.h>
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

OAK_TASK(checker, long, every)
{
    for (;;) {
        oak_leak_report *r;

        MUST(oak_sleep(every * OAK_MILLISECOND));
        MUST(oak_leak_check(NULL, &r));
        if (oak_leak_count(r, OAK_LEAKED) > 0)
            must(-EPROTO, "http_checked: a false proof");
        oak_leak_report_free(r);
    }
}

void job_http_checked(long count)
{
    const char *every = getenv("OAKBENCH_CHECK");

    crowd_gather(count);
    if (every)
        MUST(oak_go_detached(checker, atol(every)));
    job_http(0);
}
