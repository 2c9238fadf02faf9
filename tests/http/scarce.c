/* Out of descriptors: the server waits, says so once, and goes on. */
#include "harness.h"

#include <sys/resource.h>

static _Atomic int logs;

static void log_line(void *arg, const char *line)
{
    (void)arg;
    if (strstr(line, "accept"))
        atomic_fetch_add(&logs, 1);
}

static int hello(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)q, (void)arg;
    return oak_http_reply(p, 200, NULL, "hello", 5);
}

static void set_limit(rlim_t n)
{
    struct rlimit r;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
    r.rlim_cur = n;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
}

static void no_descriptor_for_a_client_is_not_the_end(void **state)
{
    (void)state;
    struct server srv;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    server_start(&srv, &(struct oak_http_server_opts){.handler = hello, .log = log_line});
    client_open(&cl, &srv);
    client_ask(&cl, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", &an);
    assert_string_equal(an.body, "hello");
    /* The lowest free descriptor is the last one there is: the second client takes it, none is left for the server. */
    int lowest = dup(0);
    close(lowest);
    set_limit((rlim_t)lowest + 1);
    client_open(&cl2, &srv);
    client_send(&cl2, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_until(atomic_load(&logs) > 0);
    client_ask(&cl, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", &an);
    assert_string_equal(an.body, "hello");
    assert_int_equal(atomic_load(&logs), 1);
    set_limit(before.rlim_cur);
    client_read(&cl2, &an, "GET");
    assert_string_equal(an.body, "hello");
    client_close(&cl);
    client_close(&cl2);
    server_stop(&srv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_descriptor_for_a_client_is_not_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
