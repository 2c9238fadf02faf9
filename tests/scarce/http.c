/* A server and a client whose allocations are refused one after the other: the call fails or is answered, the server goes on. */
#include "refuse.h"

#include <oakum/http.h>

static int echo(oak_http_request *q, oak_http_response *p, void *arg)
{
    char *body;
    (void)arg;
    ssize_t n = oak_http_read_all(q, &body);
    return n < 0 ? (int)n : oak_http_reply(p, 200, "text/plain", body, (size_t)n);
}

static void quiet(void *arg, const char *line)
{
    (void)arg, (void)line;
}

static struct {
    oak_http_server *server;
    char url[64];
    _Atomic bool over;
} at;

OAK_TASK(serve, oak_listener *, l)
{
    int rc = oak_http_serve(at.server, l);
    expect(rc == 0);
    store_release(&at.over, true);
}

/* Longer than any buffer that a connection has from the start. */
static int call(void)
{
    static char body[20000];
    oak_http_call *k = NULL;
    oak_http_client *c = oak_http_client_new(&(struct oak_http_client_opts){.limit = 5 * OAK_SECOND});
    if (!c)
        return -ENOMEM;
    memset(body, 'x', sizeof body);
    int rc = oak_http_post(c, at.url, "text/plain", body, sizeof body, &k);
    if (!rc) {
        char *all;
        int status = oak_http_call_status(k);
        ssize_t n = oak_http_call_read_all(k, &all);
        /* What the server was refused it says by a status, or by hanging up. */
        rc = n < 0 ? (int)n : status == 200 ? 0 : -ENOMEM;
        expect(rc || n == (ssize_t)sizeof body);
        oak_http_call_close(k);
    }
    expect(oak_http_client_free(c) == 0);
    return rc;
}

static const struct scenario calls = {"a call", call, {-ECONNRESET, -EPIPE, -EBADMSG, -EAGAIN}};

TEST(calls_and_the_server_go_on)
{
    static const int which[] = {OAK__FAULT_MALLOC, LIBC_MALLOC, OAK__FAULT_EPOLL, OAK__FAULT_SOCKET,
                                OAK__FAULT_ACCEPT};
    oak_listener *l;
    char address[48];
    at.server = oak_http_server_new(&(struct oak_http_server_opts){.handler = echo, .log = quiet});
    expect(at.server && oak_listen("tcp", "127.0.0.1:0", &l) == 0);
    expect(oak_listener_addr(l, address, sizeof address) > 0);
    snprintf(at.url, sizeof at.url, "http://%s/", address);
    expect(oak_go_detached(serve, l) == 0);
    for (size_t k = 0; k < sizeof which / sizeof which[0]; k++) {
        if (which[k] == LIBC_MALLOC && !HAVE_ALLOCATOR)
            continue;
        int n = 0;
        while (n < MOST_REFUSED && refuse_one(&calls, which[k], n, 1))
            n++;
        dprintf(STDOUT_FILENO, "%s %d\n", kinds[which[k]].name, n);
    }
    expect(oak_http_shutdown(at.server, OAK_SECOND) == 0);
    wait_until(load_acquire(&at.over));
    expect(oak_http_server_free(at.server) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(calls_and_the_server_go_on)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
