/* What a request may be for: RFC 9112, 3.2. */
#include "harness.h"

static _Atomic int runs;

static int echo(oak_http_request *q, oak_http_response *p, void *arg)
{
    (void)arg;
    atomic_fetch_add(&runs, 1);
    const char *host = oak_http_header(q, "host");
    return oak_http_printf(p, "%s %s [%s] %s", oak_http_method(q), oak_http_path(q), oak_http_query(q),
                           host ? host : "none");
}

static struct server srv;

static int set_up(void **state)
{
    (void)state;
    server_start(&srv, &(struct oak_http_server_opts){.handler = echo});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

static void ask_for(const char *line, const char *host)
{
    char text[512];
    snprintf(text, sizeof text, host ? "%s\r\nHost: %s\r\n\r\n" : "%s\r\n\r\n", line, host);
    client_open(&cl, &srv);
    client_ask(&cl, text, &an);
}

static void targets_of_each_form_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *line, *host, *seen;
    } cases[] = {
        {"GET / HTTP/1.1", "a", "GET / [] a"},
        {"GET /a//b/../c?d=/e?f HTTP/1.1", "a.example:80", "GET /a//b/../c [d=/e?f] a.example:80"},
        {"OPTIONS * HTTP/1.1", "a", "OPTIONS * [] a"},
        {"GET http://a/x?y HTTP/1.1", "a", "GET /x [y] a"},
        {"GET http://a HTTP/1.1", "a", "GET / [] a"},
        {"GET http://a/ HTTP/1.1", "", "GET / [] a"},
        {"GET http://a?y HTTP/1.1", "a", "GET / [y] a"},
        /* The host that counts is the target's. */
        {"GET http://other.example:8080/x HTTP/1.1", "a", "GET /x [] other.example:8080"},
        {"GET http://[::1]:80/x HTTP/1.1", "a", "GET /x [] [::1]:80"},
        {"GET http://a/x?u=http://b/c HTTP/1.0", NULL, "GET /x [u=http://b/c] none"},
        {"GET /x?u=http://b/c HTTP/1.1", "a", "GET /x [u=http://b/c] a"},
        /* Hosts. */
        {"GET / HTTP/1.1", "", "GET / [] "},
        {"GET / HTTP/1.1", "a:", "GET / [] a:"},
        {"GET / HTTP/1.1", ":80", "GET / [] :80"},
        {"GET / HTTP/1.1", "127.0.0.1:65535", "GET / [] 127.0.0.1:65535"},
        {"GET / HTTP/1.1", "[fe80::1%25eth0]", "GET / [] [fe80::1%25eth0]"},
        {"GET / HTTP/1.1", "[2001:db8::1]:443", "GET / [] [2001:db8::1]:443"},
        {"GET / HTTP/1.1", "x_y-z.a~b%41!$&'()*+,;=", "GET / [] x_y-z.a~b%41!$&'()*+,;="},
        {"GET / HTTP/1.0", NULL, "GET / [] none"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask_for(cases[i].line, cases[i].host);
        if (an.status != 200 || strcmp(an.body, cases[i].seen) != 0)
            fail_msg("%s: %d %s", cases[i].line, an.status, an.body);
        client_close(&cl);
    }
}

static void refused(const char *line, const char *host, int status)
{
    int before = atomic_load(&runs);
    ask_for(line, host);
    if (an.status != status)
        fail_msg("%s, %s: %d", line, host, an.status);
    assert_true(an.close);
    client_eof(&cl);
    client_close(&cl);
    assert_int_equal(atomic_load(&runs), before);
}

static void other_targets_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "GET * HTTP/1.1",           "POST * HTTP/1.1",          "GET x HTTP/1.1",
        "GET a:80 HTTP/1.1",        "GET /a#b HTTP/1.1",        "GET /?a#b HTTP/1.1",
        "GET http:/x HTTP/1.1",     "GET http:///x HTTP/1.1",   "GET http://?x HTTP/1.1",
        "GET http://:80/ HTTP/1.1", "GET http://u@a/ HTTP/1.1", "GET http://u:p@a/ HTTP/1.1",
        "GET http://a:b/ HTTP/1.1", "OPTIONS *x HTTP/1.1",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        refused(lines[i], "a", 400);
}

static void hosts_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "a b", "a/b",    "a?b",     "a#b",   "u@a",   "http://a", "a:b", "a:80:80", "[::1", "::1]",
        "[]",  "[::1]x", "[::1]:x", "[a b]", "\"a\"", "a\\b",     "<a>", "a\xff",   "a|b",
    };
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        refused("GET / HTTP/1.1", hosts[i], 400);
        refused("GET / HTTP/1.0", hosts[i], 400);
        refused("GET http://good/ HTTP/1.1", hosts[i], 400);
    }
}

/* A client that hears 2xx would send another protocol through what it takes for a tunnel. */
static void no_tunnel_is_made(void **state)
{
    (void)state;
    refused("CONNECT a:80 HTTP/1.1", "a:80", 501);
    refused("CONNECT a:80 HTTP/1.0", NULL, 501);
}

static void no_other_protocol_is_changed_to(void **state)
{
    (void)state;
    static const char *const offers[] = {
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        "Upgrade: TLS/1.3\r\n",
    };
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "GET /%zu HTTP/1.1\r\nHost: a\r\n%s\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n", i, offers[i]);
        client_open(&cl, &srv);
        client_ask(&cl, text, &an);
        assert_int_equal(an.status, 200);
        assert_null(answer_header(&an, "Upgrade"));
        client_read(&cl, &an, "GET");
        assert_string_equal(an.body, "GET /next [] a");
        client_close(&cl);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_of_each_form_are_read),   cmocka_unit_test(other_targets_are_refused),
        cmocka_unit_test(hosts_that_are_none_are_refused), cmocka_unit_test(no_tunnel_is_made),
        cmocka_unit_test(no_other_protocol_is_changed_to),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
