/* 10,000 idle connections: each is still served, a shutdown closes them all. */
#include "harness.h"

#include <sys/resource.h>

/* ThreadSanitizer cannot keep more than 8128 goroutines apart. */
#if defined(__SANITIZE_THREAD__)
    #define WANTED 2000
#elif defined(__has_feature)
    #if __has_feature(thread_sanitizer)
        #define WANTED 2000
    #endif
#endif
#ifndef WANTED
    #define WANTED 10000
#endif

static int hello(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    return oak_http_reply(p, 200, NULL, "hello", 5);
}

/* Both ends of each connection are in this process. */
static int affordable(void)
{
    struct rlimit r;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
    r.rlim_cur = r.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
    return r.rlim_cur < 2 * WANTED + 100 ? (int)(r.rlim_cur - 100) / 2 : WANTED;
}

static void idle_connections_are_served_and_closed(void **state)
{
    (void)state;
    struct server srv;
    int n = affordable();
    int *fds = calloc((size_t)n, sizeof *fds);
    assert_non_null(fds);
    server_start(&srv, &(struct oak_http_server_opts){
                           .handler = hello, .read_header_limit = OAK_HOUR, .idle_limit = OAK_HOUR});
    for (int i = 0; i < n; i++) {
        client_open(&cl, &srv);
        fds[i] = cl.fd;
    }
    wait_until(server_stats(&srv).open == (uint64_t)n);
    for (int round = 0; round < 2; round++) {
        for (int i = round; i < n; i += 7) {
            cl.fd = fds[i];
            cl.len = 0;
            client_ask(&cl, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", &an);
            assert_string_equal(an.body, "hello");
        }
    }
    print_message("%d connections\n", n);
    server_stop(&srv);
    for (int i = 0; i < n; i++) {
        cl.fd = fds[i];
        cl.len = 0;
        cl.ended = false;
        client_eof(&cl);
        client_close(&cl);
    }
    free(fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_connections_are_served_and_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
