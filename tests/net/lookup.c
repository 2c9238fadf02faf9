/* Name look-up. No network is needed: localhost comes from the hosts file, and a name that cannot be is refused by
 * whatever resolver there is, or there is none. */
#include "check.h"

static bool contains(char (*list)[46], int n, const char *ip)
{
    for (int i = 0; i < n; i++)
        if (strcmp(list[i], ip) == 0)
            return true;
    return false;
}

BOTH(localhost_is_found)
{
    char found[8][46];
    int n = oak_lookup_host("localhost", found, 8);
    CHECK(n >= 1);
    CHECK(contains(found, n, "127.0.0.1") || contains(found, n, "::1"));
    CHECK_INT(oak_lookup_host("localhost", found, 1), 1);
    return 0;
}

BOTH(numeric_hosts_need_no_resolver)
{
    char found[2][46];
    CHECK_INT(oak_lookup_host("127.0.0.1", found, 2), 1);
    CHECK(strcmp(found[0], "127.0.0.1") == 0);
    CHECK_INT(oak_lookup_host("2001:db8::7", found, 2), 1);
    CHECK(strcmp(found[0], "2001:db8::7") == 0);
    return 0;
}

BOTH(nonsense_is_not_found)
{
    char found[2][46];
    char longest[400];
    static const char *const names[] = {
        "no-such-host.invalid", "two words", "a..b", ".", "-", "%", "1.2.3.4.5"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int n = oak_lookup_host(names[i], found, 2);
        /* Without a resolver within reach, the C library says "try again". */
        CHECK(n == -ENOENT || n == -EAGAIN || n == -EIO);
    }
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    CHECK_INT(oak_lookup_host(longest, found, 2), -EINVAL);
    CHECK_INT(oak_lookup_host("", found, 2), -EINVAL);
    CHECK_INT(oak_lookup_host(NULL, found, 2), -EINVAL);
    CHECK_INT(oak_lookup_host("localhost", NULL, 2), -EINVAL);
    CHECK_INT(oak_lookup_host("localhost", found, 0), -EINVAL);
    return 0;
}

BOTH(dial_and_listen_by_name)
{
    oak_listener *l;
    oak_conn *c;
    char at[64], name[80];
    CHECK_INT(oak_listen("tcp", "localhost:0", &l), 0);
    CHECK(oak_listener_addr(l, at, sizeof at) > 0);
    snprintf(name, sizeof name, "localhost%s", strrchr(at, ':'));
    CHECK_INT(oak_dial("tcp", name, &c), 0);
    CHECK_INT(oak_conn_close(c), 0);
    CHECK_INT(oak_listener_close(l), 0);
    CHECK_INT(oak_dial("tcp", name, &c), -ECONNREFUSED);
    int err = oak_dial("tcp", "no-such-host.invalid:80", &c);
    CHECK(err == -ENOENT || err == -EAGAIN || err == -EIO);
    err = oak_listen("tcp", "no-such-host.invalid:80", &l);
    CHECK(err == -ENOENT || err == -EAGAIN || err == -EIO);
    return 0;
}

static ssize_t look_up(struct call *c)
{
    char found[4][46];
    (void)c;
    return oak_lookup_host("localhost", found, 4) >= 1;
}

BOTH(many_look_ups_at_once)
{
    enum { N = 50 };
    static struct call calls[N];
    for (int i = 0; i < N; i++) {
        calls[i] = (struct call){.fn = look_up};
        start_call(&calls[i]);
    }
    for (int i = 0; i < N; i++)
        CHECK_INT(result_of(&calls[i]), 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TESTS(localhost_is_found),    BOTH_TESTS(numeric_hosts_need_no_resolver),
        BOTH_TESTS(nonsense_is_not_found), BOTH_TESTS(dial_and_listen_by_name),
        BOTH_TESTS(many_look_ups_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
