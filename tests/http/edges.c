/*
 * The server reads once for each event that it is told of, and waits for the next one when a read has left nothing. What might
 * come without an event of its own: the end of the stream together with a request, bytes behind an urgent one, bytes behind a
 * read that took all the room that it had, bytes behind a descriptor that is passed along.
 */
#include "harness.h"

#include <netinet/tcp.h>
#include <sys/un.h>

enum { TIMES = 100 };

static int path(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    return oak_http_printf(p, "%s", oak_http_path(q));
}

static struct server srv;

static int set_up(void **state)
{
    (void)state;
    server_start(&srv, &(struct oak_http_server_opts){.handler = path});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static void expect(const char *path)
{
    client_read(&cl, &an, "GET");
    assert_int_equal(an.status, 200);
    assert_string_equal(an.body, path);
}

static void cork(bool on)
{
    assert_int_equal(setsockopt(cl.fd, IPPROTO_TCP, TCP_CORK, &(int){on}, sizeof(int)), 0);
}

static void end_that_comes_with_a_request_is_noticed(void **state)
{
    (void)state;
    for (int i = 0; i < TIMES; i++) {
        client_open(&cl, &srv);
        if (i % 2) {
            client_send(&cl, GET("/first"));
            expect("/first");
        }
        cork(true);
        client_send(&cl, GET("/last"));
        assert_int_equal(shutdown(cl.fd, SHUT_WR), 0);
        expect("/last");
        client_eof(&cl);
        client_close(&cl);
    }
}

static void pipelined_requests_before_an_end_are_answered(void **state)
{
    (void)state;
    for (int i = 0; i < TIMES; i++) {
        client_open(&cl, &srv);
        client_send(&cl, GET("/1") GET("/2") GET("/3") "GET /4 HTTP/1.1\r\nHo");
        assert_int_equal(shutdown(cl.fd, SHUT_WR), 0);
        expect("/1");
        expect("/2");
        expect("/3");
        client_eof(&cl);
        client_close(&cl);
    }
}

static void pipelined_requests_of_a_client_that_is_gone_do_no_harm(void **state)
{
    (void)state;
    for (int i = 0; i < TIMES; i++) {
        client_open(&cl, &srv);
        client_send(&cl, GET("/1") GET("/2") GET("/3"));
        if (i % 2) /* a reset instead of an end */
            assert_int_equal(
                setsockopt(cl.fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)), 0);
        client_close(&cl);
    }
    wait_until(server_stats(&srv).open == 0);
}

static void bytes_behind_an_urgent_one_are_read(void **state)
{
    (void)state;
    for (int i = 0; i < TIMES; i++) {
        client_open(&cl, &srv);
        client_send(&cl, GET("/1"));
        if (i % 2)
            expect("/1");
        assert_int_equal(send(cl.fd, "!", 1, MSG_OOB | MSG_NOSIGNAL), 1);
        client_send(&cl, GET("/2"));
        if (i % 2 == 0)
            expect("/1");
        expect("/2");
        client_send(&cl, GET("/3"));
        expect("/3");
        client_close(&cl);
    }
}

/* A request of `size` bytes. */
static void fill(char *text, size_t size, const char *path)
{
    int n = sprintf(text, "GET %s HTTP/1.1\r\nHost: a\r\nX: ", path);
    memset(text + n, 'x', size - (size_t)n - 4);
    memcpy(text + size - 4, "\r\n\r\n", 4);
}

static void requests_that_just_fill_the_buffer_are_read(void **state)
{
    (void)state;
    static char text[20000];
    client_open(&cl, &srv);
    for (size_t around = 512; around <= 8192; around *= 2)
        for (size_t size = around - 2; size <= around + 2; size++) {
            fill(text, size, "/one");
            client_send_bytes(&cl, text, size);
            expect("/one");
            fill(text, size, "/two");
            fill(text + size, size, "/three");
            client_send_bytes(&cl, text, 2 * size);
            expect("/two");
            expect("/three");
        }
    client_close(&cl);
}

static void http_1_0_keeps_its_connection_when_asked(void **state)
{
    (void)state;
    client_open(&cl, &srv);
    for (int i = 0; i < 3; i++) {
        client_ask(&cl, "GET /old HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", &an);
        assert_string_equal(an.body, "/old");
        assert_string_equal(answer_header(&an, "Connection"), "keep-alive");
    }
    client_ask(&cl, "GET /old HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", &an);
    assert_true(an.close);
    client_eof(&cl);
    client_close(&cl);
}

/* ---- over a Unix socket, where a read stops in front of a descriptor ---- */

static void client_open_unix(const char *name)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strcpy(to.sun_path, name);
    cl.len = 0;
    cl.ended = cl.reset = false;
    cl.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(cl.fd >= 0);
    assert_int_equal(connect(cl.fd, (struct sockaddr *)&to, sizeof to), 0);
}

static void send_with_descriptor(const char *text)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(c), &cl.fd, sizeof(int));
    assert_int_equal(sendmsg(cl.fd, &m, MSG_NOSIGNAL), (ssize_t)iov.iov_len);
}

static void requests_over_a_unix_socket_are_all_read(void **state)
{
    (void)state;
    struct server local;
    char name[64];
    snprintf(name, sizeof name, "/tmp/oakum-edges-%d", (int)getpid());
    local.http = oak_http_server_new(&(struct oak_http_server_opts){.handler = path});
    assert_non_null(local.http);
    assert_int_equal(oak_listen("unix", name, &local.listener), 0);
    atomic_store(&local.result, 1);
    assert_int_equal(oak_spawn_with(&(struct oak_spawn_opts){.name = "test server"}, server_main, &local), 0);
    for (int i = 0; i < TIMES; i++) {
        client_open_unix(name);
        client_send(&cl, GET("/1"));
        send_with_descriptor(GET("/2"));
        send_with_descriptor(GET("/3"));
        expect("/1");
        expect("/2");
        expect("/3");
        client_send(&cl, GET("/4"));
        expect("/4");
        client_close(&cl);
    }
    server_stop(&local);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(end_that_comes_with_a_request_is_noticed),
        cmocka_unit_test(pipelined_requests_before_an_end_are_answered),
        cmocka_unit_test(pipelined_requests_of_a_client_that_is_gone_do_no_harm),
        cmocka_unit_test(bytes_behind_an_urgent_one_are_read),
        cmocka_unit_test(requests_that_just_fill_the_buffer_are_read),
        cmocka_unit_test(http_1_0_keeps_its_connection_when_asked),
        cmocka_unit_test(requests_over_a_unix_socket_are_all_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
