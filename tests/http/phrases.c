/* The client, against a server that says set phrases: what ours would never say. */
#include "harness.h"

#include <pthread.h>

static oak_http_client *client;

static int set_up(void **state)
{
    (void)state;
    client = oak_http_client_new(NULL);
    assert_non_null(client);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(oak_http_client_free(client), 0);
    return 0;
}

static struct {
    int fd, port;
    const char *const *phrases; /* NULL at the end */
    bool close_between;
    _Atomic int connections;
} set;

/* Reads up to an empty line. */
static bool read_request(int fd)
{
    char last[4] = "";
    char byte;
    while (recv(fd, &byte, 1, 0) == 1) {
        memmove(last, last + 1, 3);
        last[3] = byte;
        if (memcmp(last, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static void *say_phrases(void *arg)
{
    (void)arg;
    for (const char *const *p = set.phrases; *p; p++) {
        int fd = accept(set.fd, NULL, NULL);
        atomic_fetch_add(&set.connections, 1);
        if (read_request(fd))
            (void)!send(fd, *p, strlen(*p), MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        while (recv(fd, &(char){0}, 1, 0) == 1)
            ;
        close(fd);
    }
    return NULL;
}

static pthread_t set_start(const char *const *phrases)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof a;
    pthread_t thread;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    set.fd = socket(AF_INET, SOCK_STREAM, 0);
    set.phrases = phrases;
    atomic_store(&set.connections, 0);
    assert_int_equal(bind(set.fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(set.fd, 8), 0);
    assert_int_equal(getsockname(set.fd, (struct sockaddr *)&a, &len), 0);
    set.port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&thread, NULL, say_phrases, NULL), 0);
    return thread;
}

static void set_stop(pthread_t thread)
{
    pthread_join(thread, NULL);
    close(set.fd);
}

static int get_phrase(char **body, ssize_t *n, oak_http_call **k)
{
    char text[64];
    snprintf(text, sizeof text, "http://127.0.0.1:%d/", set.port);
    int rc = oak_http_get(client, text, k);
    *n = rc ? rc : oak_http_call_read_all(*k, body);
    return rc;
}

static void odd_responses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc;
        ssize_t n;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\nup to the end", 0, 13},
        {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", 0, 3},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
         "OK\r\nContent-Length: 2\r\n\r\nab",
         0, 2},
        {"HTTP/1.1 204 No Content\r\n\r\n", 0, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", 0, -EBADMSG},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0, -EBADMSG},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0, -EBADMSG},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", -EBADMSG,
         -EBADMSG},
        {"HTTP/1.1 200 OK\r\nContent-Le", -EBADMSG, -EBADMSG},
        {"220 smtp.example.org ready\r\n", -EBADMSG, -EBADMSG},
    };
    const char *phrases[sizeof cases / sizeof cases[0] + 1] = {NULL};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        phrases[i] = cases[i].text;
    pthread_t thread = set_start(phrases);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        oak_http_call *k;
        char *body;
        ssize_t n;
        int rc = get_phrase(&body, &n, &k);
        if (rc != cases[i].rc || n != cases[i].n)
            fail_msg("%s: %d, %zd", cases[i].text, rc, n);
        if (rc == 0)
            oak_http_call_close(k);
    }
    set_stop(thread);
}

/* A server may close a kept connection at any time: a call that can be repeated does not fail for it. */
static void stale_connection_is_replaced(void **state)
{
    (void)state;
    static const char *const phrases[] = {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthree", NULL};
    pthread_t thread = set_start(phrases);
    for (int i = 0; i < 3; i++) {
        oak_http_call *k;
        char *body;
        ssize_t n;
        assert_int_equal(get_phrase(&body, &n, &k), 0);
        assert_true(n >= 3);
        oak_http_call_close(k);
    }
    /* The last connection is still kept, and the other side waits for its end. */
    oak_http_client_free(client);
    client = oak_http_client_new(NULL);
    set_stop(thread);
    assert_int_equal(atomic_load(&set.connections), 3);
}

static void limits_on_size_hold(void **state)
{
    (void)state;
    static char long_head[70000];
    static const char *phrases[] = {long_head, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
                                    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
                                    "HTTP/1.1 200 OK\r\n\r\nhello world", NULL};
    strcpy(long_head, "HTTP/1.1 200 OK\r\nA: ");
    memset(long_head + strlen(long_head), 'a', sizeof long_head - 100);
    pthread_t thread = set_start(phrases);
    oak_http_client *mine = client;
    client = oak_http_client_new(&(struct oak_http_client_opts){.max_body = 10});
    for (int i = 0; i < 4; i++) {
        oak_http_call *k;
        char *body;
        ssize_t n;
        int rc = get_phrase(&body, &n, &k);
        assert_int_equal(rc, i == 0 ? -EMSGSIZE : 0);
        assert_int_equal(n, -EMSGSIZE);
        if (rc == 0)
            oak_http_call_close(k);
    }
    set_stop(thread);
    assert_int_equal(oak_http_client_free(client), 0);
    client = mine;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_responses),
        cmocka_unit_test(stale_connection_is_replaced),
        cmocka_unit_test(limits_on_size_hold),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
