/* Sockets, descriptors, look-up, files, reports and leak checks, when what they ask for is refused. */
#include "refuse.h"

#include <sys/socket.h>

/* ---- connections ---- */

static int talk(const char *network, const char *address)
{
    oak_listener *l = NULL;
    oak_conn *near = NULL, *far = NULL;
    char at[108], buf[4];
    int rc = oak_listen(network, address, &l);
    if (!rc) {
        expect(oak_listener_addr(l, at, sizeof at) > 0);
        rc = oak_dial(network, at, &near);
    }
    if (!rc)
        rc = oak_accept(l, &far);
    if (!rc) {
        expect(oak_write(near, "hi", 2) == 2);
        expect(oak_read(far, buf, sizeof buf) == 2);
        expect(oak_conn_close(far) == 0);
    }
    if (near)
        expect(oak_conn_close(near) == 0);
    if (l)
        expect(oak_listener_close(l) == 0);
    return rc;
}

static int tcp(void)
{
    return talk("tcp", "127.0.0.1:0");
}

static int unix_sockets(void)
{
    char name[64];
    snprintf(name, sizeof name, "@oakum-scarce-%d", (int)getpid());
    return talk("unix", name);
}

static int foreign_descriptors(void)
{
    int fd[2];
    oak_conn *c = NULL;
    expect(pipe(fd) == 0);
    expect(write(fd[1], "x", 1) == 1);
    int rc = oak_wait_fd(fd[0], OAK_READABLE, OAK_SECOND);
    expect(rc == OAK_READABLE || rc < 0);
    rc = rc < 0 ? rc : oak_conn_from_fd(fd[0], &c);
    if (c)
        expect(oak_conn_close(c) == 0);
    else
        close(fd[0]);
    close(fd[1]);
    return rc;
}

/* With a context that may end, another goroutine asks. The resolver says in its own words that it has no memory. */
static int look_up(void)
{
    char found[2][46];
    int rc = oak_lookup_host("127.1", found, 2);
    if (rc >= 0) {
        oak_ctx *c = oak_ctx_new(NULL);
        rc = c ? 0 : -ENOMEM;
        oak_with_ctx (c) {
            rc = rc ? rc : oak_lookup_host("127.1", found, 2);
        }
        oak_ctx_unref(c);
    }
    return rc < 0 ? rc : 0;
}

static int files(void)
{
    char buf[4];
    int fd = oak_file_open("/dev/zero", O_RDONLY, 0);
    expect(fd >= 0);
    expect(oak_file_read(fd, buf, sizeof buf, -1) == sizeof buf);
    expect(oak_file_close(fd) == 0);
    return 0;
}

/* ---- looking ---- */

static FILE *nowhere;

static bool see(const struct oak_goroutine_info *g, void *arg)
{
    (void)g;
    ++*(int *)arg;
    return true;
}

static int all_goroutines(void)
{
    int n = 0;
    int64_t rc = oak_goroutines(see, &n);
    expect(rc < 0 || rc == n);
    return rc < 0 ? (int)rc : 0;
}

static int reports(void)
{
    int rc = oak_report(nowhere, 0);
    return rc ? rc : oak_report(nowhere, OAK_REPORT_FULL);
}

static int leak_checks(void)
{
    oak_leak_report *r = NULL;
    oak_leak_mark *m = oak_leak_mark_take();
    int rc = m ? oak_leak_check(NULL, &r) : -ENOMEM;
    expect(!rc == !!r);
    if (!rc)
        rc = oak_leak_print(r, nowhere);
    oak_leak_report_free(r);
    oak_leak_mark_free(m);
    return rc;
}

static int watches(void)
{
    int rc = oak_leak_watch_start(NULL);
    if (!rc)
        expect(oak_leak_watch_stop() == 0);
    return rc;
}

static const struct scenario sockets[] = {{"tcp", tcp, {0}},
                                          {"unix", unix_sockets, {0}},
                                          {"foreign descriptors", foreign_descriptors, {0}},
                                          {"look-up", look_up, {-EAGAIN, -ENOENT, -EIO}},
                                          {"files", files, {0}}};
static const struct scenario looks[] = {{"goroutines", all_goroutines, {0}},
                                        {"reports", reports, {0}},
                                        {"leak checks", leak_checks, {-EAGAIN}},
                                        {"watches", watches, {-EAGAIN}}};

TEST(sockets_and_files)
{
    static const int which[] = {OAK__FAULT_MALLOC, LIBC_MALLOC,       OAK__FAULT_MMAP,  OAK__FAULT_THREAD,
                                OAK__FAULT_EPOLL,  OAK__FAULT_SOCKET, OAK__FAULT_ACCEPT};
    drill_all(sockets, sizeof sockets / sizeof sockets[0], which, sizeof which / sizeof which[0]);
}

/* What libdw allocates is libdw's: it is not refused anything here. */
TEST(goroutines_reports_and_leak_checks)
{
    static const int which[] = {OAK__FAULT_MALLOC, OAK__FAULT_MMAP, OAK__FAULT_THREAD, OAK__FAULT_FORK};
    static char buf[BUFSIZ];
    nowhere = fopen("/dev/null", "w");
    expect(nowhere && setvbuf(nowhere, buf, _IOFBF, sizeof buf) == 0);
    drill_all(looks, sizeof looks / sizeof looks[0], which, sizeof which / sizeof which[0]);
    fclose(nowhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_and_files),
        cmocka_unit_test(goroutines_reports_and_leak_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
