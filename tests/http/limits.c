/* Time limits and the number of connections. Short limits, and no assertion about how late they are met. */
#include "harness.h"

static _Atomic int handler_error, ctx_error, go_on;

static int handler(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    const char *path = oak_http_path(q);
    int rc = 0;
    if (strcmp(path, "/body") == 0) {
        char buf[100];
        ssize_t n;
        while ((n = oak_http_read(q, buf, sizeof buf)) > 0)
            ;
        rc = (int)n;
        atomic_store(&handler_error, rc);
    } else if (strcmp(path, "/sleep") == 0) {
        rc = oak_sleep(OAK_HOUR);
        atomic_store(&handler_error, rc);
        atomic_store(&ctx_error, oak_ctx_err(oak_ctx_current()));
    } else if (strcmp(path, "/some") == 0) {
        rc = oak_sleep(300 * OAK_MILLISECOND);
    } else if (strcmp(path, "/own") == 0) {
        rc = oak_sleep(OAK_HOUR);
        if (rc == -ETIMEDOUT)
            return oak_http_reply(p, 504, NULL, "my own words", 12);
    } else if (strcmp(path, "/flood") == 0) {
        static const char piece[65536];
        while (rc == 0)
            rc = oak_http_write(p, piece, sizeof piece);
        atomic_store(&handler_error, rc);
    } else if (strcmp(path, "/hold") == 0) {
        while (rc == 0 && !atomic_load(&go_on))
            rc = oak_sleep(OAK_MILLISECOND);
    }
    return rc ? rc : oak_http_reply(p, 200, NULL, "done", 4);
}

/* Longer than any thread here waits for its turn on a busy machine: what must be in time is measured by it as well. */
#define SHORT (400 * OAK_MILLISECOND)

static void header_that_trickles_in_is_cut_off(void **state)
{
    (void)state;
    struct server srv;
    server_start(&srv, &(struct oak_http_server_opts){.handler = handler, .read_header_limit = SHORT});
    client_open(&cl, &srv);
    client_send(&cl, "GET / HTTP/1.1\r\nHost: a\r\n");
    /* Each byte comes long before the limit: it counts from the first. */
    for (;;) {
        struct pollfd p = {.fd = cl.fd, .events = POLLIN};
        if (poll(&p, 1, 10) == 1)
            break;
        if (send(cl.fd, "A", 1, MSG_NOSIGNAL) != 1)
            break;
    }
    client_read(&cl, &an, "GET");
    assert_int_equal(an.status, 408);
    assert_true(an.close);
    client_close(&cl);
    /* One that never says anything is closed without a word. */
    client_open(&cl, &srv);
    client_eof(&cl);
    client_close(&cl);
    server_stop(&srv);
}

static void second_request_on_a_connection_has_a_header_limit_too(void **state)
{
    (void)state;
    struct server srv;
    server_start(&srv, &(struct oak_http_server_opts){.handler = handler, .read_header_limit = SHORT});
    client_open(&cl, &srv);
    client_ask(&cl, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", &an);
    assert_int_equal(an.status, 200);
    client_send(&cl, "GET");
    client_read(&cl, &an, "GET");
    assert_int_equal(an.status, 408);
    client_eof(&cl);
    client_close(&cl);
    server_stop(&srv);
}

static void idle_connection_is_closed(void **state)
{
    (void)state;
    struct server srv;
    server_start(&srv, &(struct oak_http_server_opts){.handler = handler, .idle_limit = SHORT});
    client_open(&cl, &srv);
    for (int i = 0; i < 3; i++) {
        client_ask(&cl, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", &an);
        assert_int_equal(an.status, 200);
    }
    client_eof(&cl);
    client_close(&cl);
    server_stop(&srv);
}

static void body_that_trickles_in_is_cut_off(void **state)
{
    (void)state;
    struct server srv;
    server_start(&srv, &(struct oak_http_server_opts){.handler = handler, .read_limit = SHORT});
    client_open(&cl, &srv);
    client_send(&cl, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    for (;;) {
        struct pollfd p = {.fd = cl.fd, .events = POLLIN};
        if (poll(&p, 1, 10) == 1)
            break;
        if (send(cl.fd, "A", 1, MSG_NOSIGNAL) != 1)
            break;
    }
    client_read(&cl, &an, "POST");
    assert_int_equal(an.status, 408);
    assert_true(an.close);
    assert_int_equal(atomic_load(&handler_error), -ETIMEDOUT);
    client_close(&cl);
    server_stop(&srv);
}

static void client_that_does_not_read_is_cut_off(void **state)
{
    (void)state;
    struct server srv;
    server_start(&srv, &(struct oak_http_server_opts){.handler = handler, .write_limit = SHORT});
    atomic_store(&handler_error, 0);
    client_open(&cl, &srv);
    client_send(&cl, "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_until(atomic_load(&handler_error) != 0);
    assert_int_equal(atomic_load(&handler_error), -ETIMEDOUT);
    wait_until(server_stats(&srv).open == 0);
    client_close(&cl);
    server_stop(&srv);
}

static void handler_over_its_time_gives_503(void **state)
{
    (void)state;
    struct server srv;
    server_start(&srv, &(struct oak_http_server_opts){.handler = handler, .handler_limit = SHORT});
    client_open(&cl, &srv);
    for (int i = 0; i < 2; i++) {
        atomic_store(&handler_error, 0);
        client_ask(&cl, "GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n", &an);
        assert_int_equal(an.status, 503);
        assert_int_equal(atomic_load(&handler_error), -ETIMEDOUT);
        assert_int_equal(atomic_load(&ctx_error), -ETIMEDOUT);
        client_ask(&cl, "GET /own HTTP/1.1\r\nHost: a\r\n\r\n", &an);
        assert_int_equal(an.status, 504);
        assert_string_equal(an.body, "my own words");
        /* The connection is none the worse for it. */
        client_ask(&cl, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", &an);
        assert_int_equal(an.status, 200);
    }
    assert_int_equal(server_stats(&srv).timed_out, 2);
    client_close(&cl);
    server_stop(&srv);
}

/* The time of a request begins with its handler, not with the batch that it came in. */
static void each_pipelined_request_has_the_whole_time(void **state)
{
    (void)state;
    struct server srv;
    server_start(&srv, &(struct oak_http_server_opts){.handler = handler, .handler_limit = 2 * OAK_SECOND});
    client_open(&cl, &srv);
    for (int i = 0; i < 10; i++)
        client_send(&cl, "GET /some HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        client_read(&cl, &an, "GET");
        assert_int_equal(an.status, 200);
    }
    client_close(&cl);
    server_stop(&srv);
}

static void connections_over_the_limit_wait(void **state)
{
    (void)state;
    struct server srv;
    atomic_store(&go_on, 0);
    server_start(&srv, &(struct oak_http_server_opts){.handler = handler, .max_conns = 1});
    client_open(&cl, &srv);
    client_send(&cl, "GET /hold HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    wait_until(server_stats(&srv).requests == 1);
    client_open(&cl2, &srv);
    client_send(&cl2, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    assert_int_equal(server_stats(&srv).accepted, 1);
    atomic_store(&go_on, 1);
    client_read(&cl, &an, "GET");
    client_close(&cl);
    client_read(&cl2, &an, "GET");
    assert_string_equal(an.body, "done");
    client_close(&cl2);
    server_stop(&srv);
}

static void no_limits_is_possible(void **state)
{
    (void)state;
    struct server srv;
    server_start(&srv, &(struct oak_http_server_opts){.handler = handler,
                                                      .read_header_limit = OAK_FOREVER,
                                                      .read_limit = OAK_FOREVER,
                                                      .write_limit = OAK_FOREVER,
                                                      .idle_limit = OAK_FOREVER,
                                                      .handler_limit = OAK_FOREVER,
                                                      .max_body = OAK_FOREVER});
    client_open(&cl, &srv);
    client_send(&cl, "POST /body HTTP/1.1\r\nHost: a\r\n");
    client_send(&cl, "Content-Length: 3\r\n\r\n");
    client_send(&cl, "abc");
    client_read(&cl, &an, "POST");
    assert_string_equal(an.body, "done");
    client_ask(&cl, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", &an);
    assert_string_equal(an.body, "done");
    client_close(&cl);
    server_stop(&srv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_that_trickles_in_is_cut_off),
        cmocka_unit_test(second_request_on_a_connection_has_a_header_limit_too),
        cmocka_unit_test(idle_connection_is_closed),
        cmocka_unit_test(body_that_trickles_in_is_cut_off),
        cmocka_unit_test(client_that_does_not_read_is_cut_off),
        cmocka_unit_test(handler_over_its_time_gives_503),
        cmocka_unit_test(each_pipelined_request_has_the_whole_time),
        cmocka_unit_test(connections_over_the_limit_wait),
        cmocka_unit_test(no_limits_is_possible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
