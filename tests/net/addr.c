/* Addresses from text and to text, and what oak_listen and oak_dial make of bad ones. */
#include "check.h"
#include "net/addr.h"

#include <net/if.h>
#include <sys/stat.h>

static void hosts_and_ports_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        const char *host;
        int port;
    } rows[] = {
        {"127.0.0.1:80", 0, "127.0.0.1", 80},
        {"[::1]:0", 0, "::1", 0},
        {"[fe80::1%lo]:65535", 0, "fe80::1%lo", 65535},
        {":8080", 0, "", 8080},
        {"localhost:1", 0, "localhost", 1},
        {"a.b.c:00080", 0, "a.b.c", 80},
        {"", -EINVAL, NULL, 0},
        {"localhost", -EINVAL, NULL, 0},
        {"localhost:", -EINVAL, NULL, 0},
        {":", -EINVAL, NULL, 0},
        {"host:65536", -EINVAL, NULL, 0},
        {"host:99999999999999999999", -EINVAL, NULL, 0},
        {"host:-1", -EINVAL, NULL, 0},
        {"host:+1", -EINVAL, NULL, 0},
        {"host: 1", -EINVAL, NULL, 0},
        {"host:1x", -EINVAL, NULL, 0},
        {"host:http", -EINVAL, NULL, 0},
        {"host:0x50", -EINVAL, NULL, 0},
        {"::1:80", -EINVAL, NULL, 0},
        {"[::1]", -EINVAL, NULL, 0},
        {"[::1:80", -EINVAL, NULL, 0},
        {"::1]:80", -EINVAL, NULL, 0},
        {"[]:80", -EINVAL, NULL, 0},
        {"[:80", -EINVAL, NULL, 0},
        {"[host]:80", -EINVAL, NULL, 0},
        {"[::1]x:80", -EINVAL, NULL, 0},
        {"x[::1]:80", -EINVAL, NULL, 0},
        {"[[::1]]:80", -EINVAL, NULL, 0},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char host[OAK__HOST_MAX + 1];
        uint16_t port;
        print_message("\"%s\"\n", rows[i].text);
        assert_int_equal(oak__split_host_port(rows[i].text, host, &port), rows[i].result);
        if (rows[i].result == 0) {
            assert_string_equal(host, rows[i].host);
            assert_int_equal(port, rows[i].port);
        }
    }
    char longest[OAK__HOST_MAX + 4];
    char host[OAK__HOST_MAX + 1];
    uint16_t port;
    memset(longest, 'a', OAK__HOST_MAX + 1);
    strcpy(longest + OAK__HOST_MAX + 1, ":1");
    assert_int_equal(oak__split_host_port(longest, host, &port), -EINVAL);
    assert_int_equal(oak__split_host_port(longest + 1, host, &port), 0);
    assert_int_equal(strlen(host), OAK__HOST_MAX);
}

static void numeric_addresses_there_and_back(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        int family;
        const char *text; /* NULL: no address of the family */
    } rows[] = {
        {"127.0.0.1", AF_UNSPEC, "127.0.0.1:7"},
        {"127.0.0.1", AF_INET, "127.0.0.1:7"},
        {"127.0.0.1", AF_INET6, NULL},
        {"::1", AF_UNSPEC, "[::1]:7"},
        {"0:0:0:0:0:0:0:1", AF_INET6, "[::1]:7"},
        {"::1", AF_INET, NULL},
        {"::ffff:1.2.3.4", AF_INET6, "[::ffff:1.2.3.4]:7"},
        {"fe80::1%lo", AF_INET6, "[fe80::1%lo]:7"},
        {"fe80::1%1", AF_INET6, "[fe80::1%lo]:7"},
        {"fe80::1%4000000000", AF_INET6, "[fe80::1%4000000000]:7"},
        {"fe80::1%nosuchif", AF_INET6, NULL},
        {"fe80::1%", AF_INET6, NULL},
        {"1.2.3", AF_UNSPEC, NULL},
        {"1.2.3.4.5", AF_UNSPEC, NULL},
        {"1.2.3.256", AF_UNSPEC, NULL},
        {"127.1", AF_UNSPEC, NULL},
        {"0x7f.0.0.1", AF_UNSPEC, NULL},
        {"localhost", AF_UNSPEC, NULL},
        {":::", AF_UNSPEC, NULL},
        {"1:2:3:4:5:6:7:8:9", AF_UNSPEC, NULL},
        {"", AF_UNSPEC, NULL},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct oak__endpoint e;
        char text[64];
        print_message("\"%s\"\n", rows[i].host);
        if (strcmp(rows[i].host, "fe80::1%1") == 0 && if_nametoindex("lo") != 1)
            continue;
        assert_int_equal(oak__parse_ip(rows[i].host, 7, rows[i].family, &e), rows[i].text ? 0 : -EINVAL);
        if (rows[i].text) {
            assert_int_equal(oak__format_addr(&e, text, sizeof text), strlen(rows[i].text));
            assert_string_equal(text, rows[i].text);
        }
    }
}

static void unix_addresses_there_and_back(void **state)
{
    (void)state;
    char longest[120];
    char text[120];
    struct oak__endpoint e;
    memset(longest, 'p', sizeof longest);
    longest[107] = '\0';
    static const char *const good[] = {"/tmp/x", "x", "@name", "@@", "@\x80"};
    for (size_t i = 0; i <= countof(good); i++) {
        const char *path = i < countof(good) ? good[i] : longest;
        assert_int_equal(oak__parse_unix(path, &e), 0);
        assert_int_equal(oak__format_addr(&e, text, sizeof text), strlen(path));
        assert_string_equal(text, path);
    }
    longest[0] = '@'; /* an abstract name needs no NUL: one byte more */
    longest[107] = 'p';
    longest[108] = '\0';
    assert_int_equal(oak__parse_unix(longest, &e), 0);
    longest[0] = 'p';
    assert_int_equal(oak__parse_unix(longest, &e), -EINVAL);
    assert_int_equal(oak__parse_unix("", &e), -EINVAL);
    assert_int_equal(oak__parse_unix("@", &e), -EINVAL);
}

BOTH(bad_addresses_are_refused)
{
    static const struct {
        const char *network, *address;
        int listen, dial;
    } rows[] = {
        {NULL, "127.0.0.1:0", -EINVAL, -EINVAL},
        {"tcp", NULL, -EINVAL, -EINVAL},
        {"udp", "127.0.0.1:0", -EINVAL, -EINVAL},
        {"", "127.0.0.1:0", -EINVAL, -EINVAL},
        {"TCP", "127.0.0.1:0", -EINVAL, -EINVAL},
        {"tcp", "127.0.0.1", -EINVAL, -EINVAL},
        {"tcp", "127.0.0.1:x", -EINVAL, -EINVAL},
        {"tcp", "[::1:80", -EINVAL, -EINVAL},
        {"unix", "", -EINVAL, -EINVAL},
        {"unix", "/nonexistent-oakum/socket", -ENOENT, -ENOENT},
        {"unix", "@oakum-nobody-listens", 0, -ECONNREFUSED},
        {"tcp", "192.0.2.1:0", -EADDRNOTAVAIL, 1},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        oak_listener *l = NULL;
        oak_conn *c = NULL;
        CHECK_INT(oak_listen(rows[i].network, rows[i].address, &l), rows[i].listen);
        if (l)
            CHECK_INT(oak_listener_close(l), 0);
        if (rows[i].dial <= 0)
            CHECK_INT(oak_dial(rows[i].network, rows[i].address, &c), rows[i].dial);
        CHECK(!c);
    }
    CHECK_INT(oak_listen("tcp", "127.0.0.1:0", NULL), -EINVAL);
    CHECK_INT(oak_dial("tcp", "127.0.0.1:0", NULL), -EINVAL);
    return 0;
}

BOTH(families_are_kept_apart)
{
    oak_listener *l;
    oak_conn *c;
    char at[64], other[80];
    CHECK_INT(oak_listen("tcp4", "[::1]:0", &l), -ENOENT);
    CHECK_INT(oak_listen("tcp6", "127.0.0.1:0", &l), -ENOENT);
    CHECK_INT(oak_dial("tcp4", "[::1]:9", &c), -ENOENT);
    CHECK_INT(oak_dial("tcp6", "127.0.0.1:9", &c), -ENOENT);
    if (!have_ipv6()) {
        print_message("no IPv6 on this machine: only half of this is tested\n");
        return 0;
    }
    /* ":port" takes clients of both; of tcp6 only its own. */
    CHECK_INT(oak_listen("tcp", ":0", &l), 0);
    CHECK(oak_listener_addr(l, at, sizeof at) > 0);
    CHECK(strncmp(at, "[::]:", 5) == 0);
    snprintf(other, sizeof other, "127.0.0.1:%s", at + 5);
    CHECK_INT(oak_dial("tcp", other, &c), 0);
    CHECK_INT(oak_conn_close(c), 0);
    snprintf(other, sizeof other, ":%s", at + 5);
    CHECK_INT(oak_dial("tcp6", other, &c), 0);
    CHECK_INT(oak_conn_close(c), 0);
    CHECK_INT(oak_listener_close(l), 0);
    CHECK_INT(oak_listen("tcp6", ":0", &l), 0);
    CHECK(oak_listener_addr(l, at, sizeof at) > 0);
    snprintf(other, sizeof other, "127.0.0.1:%s", at + 5);
    CHECK_INT(oak_dial("tcp", other, &c), -ECONNREFUSED);
    CHECK_INT(oak_listener_close(l), 0);
    CHECK_INT(oak_listen("tcp4", ":0", &l), 0);
    CHECK(oak_listener_addr(l, at, sizeof at) > 0);
    CHECK(strncmp(at, "0.0.0.0:", 8) == 0);
    snprintf(other, sizeof other, "localhost:%s", at + 8); /* perhaps ::1 first, where nobody listens */
    CHECK_INT(oak_dial("tcp", other, &c), 0);
    CHECK_INT(oak_conn_close(c), 0);
    CHECK_INT(oak_listener_close(l), 0);
    return 0;
}

BOTH(address_in_use_and_nobody_there)
{
    oak_listener *l, *second;
    oak_conn *c;
    char at[64];
    CHECK_INT(oak_listen("tcp", "127.0.0.1:0", &l), 0);
    CHECK(oak_listener_addr(l, at, sizeof at) > 0);
    CHECK_INT(oak_listen("tcp", at, &second), -EADDRINUSE);
    CHECK_INT(oak_listener_close(l), 0);
    CHECK_INT(oak_dial("tcp", at, &c), -ECONNREFUSED);
    CHECK_INT(oak_listen("tcp", at, &l), 0);
    CHECK_INT(oak_listener_close(l), 0);
    return 0;
}

BOTH(unix_path_lives_as_long_as_its_listener)
{
    oak_listener *l, *second;
    oak_conn *c;
    struct stat st;
    char dir[] = "/tmp/oakum-unix-XXXXXX", path[64], at[64];
    CHECK(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/socket", dir);
    CHECK_INT(oak_listen("unix", path, &l), 0);
    CHECK_INT(oak_listener_addr(l, at, sizeof at), strlen(path));
    CHECK(strcmp(at, path) == 0);
    CHECK_INT(oak_listen("unix", path, &second), -EADDRINUSE);
    CHECK_INT(oak_dial("unix", path, &c), 0);
    CHECK_INT(oak_conn_remote_addr(c, at, sizeof at), strlen(path));
    CHECK_INT(oak_conn_close(c), 0);
    CHECK_INT(oak_listener_close(l), 0);
    CHECK_INT(stat(path, &st), -1);
    CHECK_INT(oak_dial("unix", path, &c), -ENOENT);
    CHECK_INT(rmdir(dir), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_and_ports_are_told_apart),
        cmocka_unit_test(numeric_addresses_there_and_back),
        cmocka_unit_test(unix_addresses_there_and_back),
        BOTH_TESTS(bad_addresses_are_refused),
        BOTH_TESTS(families_are_kept_apart),
        BOTH_TESTS(address_in_use_and_nobody_there),
        BOTH_TESTS(unix_path_lives_as_long_as_its_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
