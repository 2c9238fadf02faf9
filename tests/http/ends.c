/* How things end: clients that hang up, handlers that panic, servers that shut down. */
#include "harness.h"

static _Atomic int handler_error, handler_cause, running, go_on;

static int handler(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    const char *path = oak_http_path(q);
    int rc = 0;
    if (strcmp(path, "/sleep") == 0) {
        atomic_fetch_add(&running, 1);
        rc = oak_sleep(OAK_HOUR);
        atomic_store(&handler_cause, oak_ctx_cause(oak_ctx_current()));
        atomic_fetch_sub(&running, 1); /* first: who has seen the error waits for the next one to run */
        atomic_store(&handler_error, rc);
    } else if (strcmp(path, "/wait") == 0) {
        atomic_fetch_add(&running, 1);
        while (rc == 0 && !atomic_load(&go_on))
            rc = oak_sleep(OAK_MILLISECOND);
        atomic_fetch_sub(&running, 1);
    } else if (strcmp(path, "/deaf") == 0) {
        /* Never blocks on anything that could tell it: only its own flag ends it. */
        atomic_fetch_add(&running, 1);
        while (!atomic_load(&go_on))
            oak_yield();
        atomic_fetch_sub(&running, 1);
    } else if (strcmp(path, "/panic") == 0) {
        rc = oak_http_write(p, "half", 4);
        oak_panic("handler for %s", path);
    } else if (strcmp(path, "/panic-late") == 0) {
        rc = oak_http_write(p, "half", 4);
        rc = rc ? rc : oak_http_flush(p);
        oak_panic("late");
    }
    return rc ? rc : oak_http_reply(p, 200, NULL, "done", 4);
}

static char logged[512];
static _Atomic int logs;

static void log_line(void *arg, const char *line)
{
    (void)arg;
    snprintf(logged, sizeof logged, "%s", line);
    atomic_fetch_add(&logs, 1);
}

static void start(struct server *s)
{
    atomic_store(&handler_error, 0);
    atomic_store(&running, 0);
    atomic_store(&go_on, 0);
    server_start(s, &(struct oak_http_server_opts){.handler = handler, .log = log_line});
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static void client_that_hangs_up_cancels_its_handler(void **state)
{
    (void)state;
    struct server srv;
    start(&srv);
    for (int i = 0; i < 10; i++) {
        atomic_store(&handler_error, 0);
        client_open(&cl, &srv);
        if (i % 2)
            client_ask(&cl, GET("/"), &an);
        client_send(&cl, GET("/sleep"));
        wait_until(atomic_load(&running) == 1);
        if (i % 3 == 0) /* with a reset */
            setsockopt(cl.fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        if (i % 3 == 1)
            shutdown(cl.fd, SHUT_WR);
        else
            client_close(&cl);
        wait_until(atomic_load(&handler_error) != 0);
        assert_int_equal(atomic_load(&handler_error), -ECANCELED);
        assert_int_equal(atomic_load(&handler_cause), -ECONNRESET);
        if (i % 3 == 1)
            client_close(&cl);
    }
    wait_until(server_stats(&srv).open == 0);
    assert_int_equal(server_stats(&srv).hung_up, 10);
    server_stop(&srv);
}

/* The request that is already in work does not hide that its client has gone, nor do more bytes behind it. */
static void hang_up_behind_pipelined_bytes_is_noticed(void **state)
{
    (void)state;
    struct server srv;
    start(&srv);
    client_open(&cl, &srv);
    client_send(&cl, GET("/") GET("/sleep") GET("/") "GET /unfinished");
    client_read(&cl, &an, "GET");
    wait_until(atomic_load(&running) == 1);
    client_close(&cl);
    wait_until(atomic_load(&handler_error) != 0);
    assert_int_equal(atomic_load(&handler_error), -ECANCELED);
    server_stop(&srv);
}

static void panicking_handler_gives_500_and_the_server_goes_on(void **state)
{
    (void)state;
    struct server srv;
    start(&srv);
    atomic_store(&logs, 0);
    for (int i = 0; i < 3; i++) {
        client_open(&cl, &srv);
        client_ask(&cl, GET("/"), &an);
        client_ask(&cl, GET("/panic"), &an);
        assert_int_equal(an.status, 500);
        assert_null(strstr(an.body, "half"));
        assert_true(an.close);
        client_eof(&cl);
        client_close(&cl);
        assert_int_equal(atomic_load(&logs), i + 1);
        assert_non_null(strstr(logged, "GET /panic"));
        assert_non_null(strstr(logged, "handler for /panic"));
    }
    client_open(&cl, &srv);
    client_send(&cl, GET("/panic-late"));
    while (client_more(&cl))
        ;
    assert_non_null(strstr(cl.data, "half"));
    assert_null(strstr(cl.data, "\r\n0\r\n"));
    client_close(&cl);
    assert_int_equal(server_stats(&srv).panics, 4);
    server_stop(&srv);
}

static struct server shut;
static _Atomic int shutdown_result;

static void shut_down(void *patience)
{
    atomic_store(&shutdown_result, oak_http_shutdown(shut.http, (int64_t)(intptr_t)patience));
}

static void shutdown_in_background(int64_t patience)
{
    atomic_store(&shutdown_result, 1);
    assert_int_equal(oak_spawn_with(&(struct oak_spawn_opts){0}, shut_down, (void *)(intptr_t)patience), 0);
}

static void shutdown_closes_idle_connections_and_the_listener(void **state)
{
    (void)state;
    start(&shut);
    client_open(&cl, &shut);
    client_ask(&cl, GET("/"), &an);
    client_open(&cl2, &shut); /* has not said anything yet */
    wait_until(server_stats(&shut).open == 2);
    assert_int_equal(oak_http_shutdown(shut.http, OAK_HOUR), 0);
    client_eof(&cl);
    client_eof(&cl2);
    client_close(&cl);
    client_close(&cl2);
    wait_until(atomic_load(&shut.result) != 1);
    assert_int_equal(atomic_load(&shut.result), 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)shut.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), -1);
    close(fd);
    /* Once is for ever. */
    oak_listener *l;
    assert_int_equal(oak_http_shutdown(shut.http, 0), 0);
    assert_int_equal(oak_listen("tcp", "127.0.0.1:0", &l), 0);
    shut.listener = l;
    atomic_store(&shut.result, 1);
    assert_int_equal(oak_spawn_with(&(struct oak_spawn_opts){0}, server_main, &shut), 0);
    wait_until(atomic_load(&shut.result) != 1);
    assert_int_equal(atomic_load(&shut.result), -EPIPE);
    assert_int_equal(oak_http_server_free(shut.http), 0);
}

static void shutdown_lets_requests_finish(void **state)
{
    (void)state;
    start(&shut);
    client_open(&cl, &shut);
    client_send(&cl, GET("/wait") GET("/never"));
    wait_until(atomic_load(&running) == 1);
    shutdown_in_background(OAK_HOUR);
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    assert_int_equal(atomic_load(&shutdown_result), 1);
    atomic_store(&go_on, 1);
    client_read(&cl, &an, "GET");
    assert_string_equal(an.body, "done");
    assert_true(an.close);
    client_eof(&cl);
    client_close(&cl);
    wait_until(atomic_load(&shutdown_result) != 1);
    assert_int_equal(atomic_load(&shutdown_result), 0);
    wait_until(atomic_load(&shut.result) != 1);
    assert_int_equal(server_stats(&shut).requests, 1);
    assert_int_equal(oak_http_server_free(shut.http), 0);
}

static void shutdown_out_of_patience_cancels(void **state)
{
    (void)state;
    start(&shut);
    client_open(&cl, &shut);
    client_send(&cl, GET("/sleep"));
    wait_until(atomic_load(&running) == 1);
    shutdown_in_background(10 * OAK_MILLISECOND);
    wait_until(atomic_load(&handler_error) != 0);
    assert_int_equal(atomic_load(&handler_error), -ECANCELED);
    wait_until(atomic_load(&shutdown_result) != 1);
    assert_int_equal(atomic_load(&shutdown_result), -ETIMEDOUT);
    wait_until(atomic_load(&shut.result) != 1);
    assert_int_equal(server_stats(&shut).open, 0);
    client_close(&cl);
    assert_int_equal(oak_http_server_free(shut.http), 0);
}

/* What cannot be cancelled is waited for: nothing outlives the server. */
static void shutdown_waits_for_a_deaf_handler(void **state)
{
    (void)state;
    start(&shut);
    client_open(&cl, &shut);
    client_send(&cl, GET("/deaf"));
    wait_until(atomic_load(&running) == 1);
    shutdown_in_background(10 * OAK_MILLISECOND);
    nanosleep(&(struct timespec){0, 100000000}, NULL);
    assert_int_equal(atomic_load(&shutdown_result), 1);
    assert_int_equal(atomic_load(&running), 1);
    atomic_store(&go_on, 1);
    wait_until(atomic_load(&shutdown_result) != 1);
    assert_int_equal(atomic_load(&running), 0);
    wait_until(atomic_load(&shut.result) != 1);
    client_close(&cl);
    assert_int_equal(oak_http_server_free(shut.http), 0);
}

static struct server owned;
static oak_ctx *owner_ctx;

static void serve_under_ctx(void *arg)
{
    (void)arg;
    oak_with_ctx (owner_ctx)
        atomic_store(&owned.result, oak_http_serve(owned.http, owned.listener));
}

static void end_of_the_ambient_context_ends_the_server(void **state)
{
    (void)state;
    char address[64];
    atomic_store(&handler_error, 0);
    atomic_store(&running, 0);
    owner_ctx = oak_ctx_new(NULL);
    owned.http = oak_http_server_new(&(struct oak_http_server_opts){.handler = handler});
    assert_int_equal(oak_listen("tcp", "127.0.0.1:0", &owned.listener), 0);
    assert_true(oak_listener_addr(owned.listener, address, sizeof address) > 0);
    owned.port = atoi(strrchr(address, ':') + 1);
    atomic_store(&owned.result, 1);
    assert_int_equal(oak_spawn_with(&(struct oak_spawn_opts){0}, serve_under_ctx, NULL), 0);
    client_open(&cl, &owned);
    client_send(&cl, GET("/sleep"));
    wait_until(atomic_load(&running) == 1);
    assert_int_equal(oak_ctx_cancel(owner_ctx, 0), 0);
    wait_until(atomic_load(&owned.result) != 1);
    assert_int_equal(atomic_load(&owned.result), -ECANCELED);
    assert_int_equal(atomic_load(&handler_error), -ECANCELED);
    client_close(&cl);
    assert_int_equal(oak_http_server_free(owned.http), 0);
    oak_ctx_unref(owner_ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_that_hangs_up_cancels_its_handler),
        cmocka_unit_test(hang_up_behind_pipelined_bytes_is_noticed),
        cmocka_unit_test(panicking_handler_gives_500_and_the_server_goes_on),
        cmocka_unit_test(shutdown_closes_idle_connections_and_the_listener),
        cmocka_unit_test(shutdown_lets_requests_finish),
        cmocka_unit_test(shutdown_out_of_patience_cancels),
        cmocka_unit_test(shutdown_waits_for_a_deaf_handler),
        cmocka_unit_test(end_of_the_ambient_context_ends_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
