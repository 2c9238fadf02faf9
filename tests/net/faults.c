/* When the kernel or the allocator says no, the call says so, nothing is lost, and the next call works. */
#include "base/os.h"
#include "check.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

BOTH(each_failure_is_reported_and_leaves_nothing_behind)
{
    oak_listener *l, *second;
    oak_conn *client, *c;
    char at[64];
    CHECK_INT(oak_listen("tcp", "127.0.0.1:0", &l), 0);
    CHECK(oak_listener_addr(l, at, sizeof at) > 0);
    int before = open_descriptors();

    oak__fault_set(OAK__FAULT_SOCKET, 0, 3, EMFILE);
    CHECK_INT(oak_dial("tcp", at, &c), -EMFILE);
    CHECK_INT(oak_listen("tcp", "127.0.0.1:0", &second), -EMFILE);
    CHECK_INT(oak_listen("unix", "@oakum-fault", &second), -EMFILE);
    /* Registering with epoll (max_user_watches) and the handle's memory. */
    oak__fault_set(OAK__FAULT_EPOLL, 0, 2, ENOSPC);
    CHECK_INT(oak_dial("tcp", at, &c), -ENOSPC);
    CHECK_INT(oak_listen("tcp", "127.0.0.1:0", &second), -ENOSPC);
    oak__fault_set(OAK__FAULT_MALLOC, 0, 1, ENOMEM);
    CHECK_INT(oak_listen("tcp", "127.0.0.1:0", &second), -ENOMEM);
    oak__fault_set(OAK__FAULT_MALLOC, 0, 1, ENOMEM);
    CHECK_INT(oak_dial("tcp", at, &c), -ENOMEM);
    CHECK_INT(open_descriptors(), before);

    /* Take the two that were dialled in vain off the queue. */
    for (int i = 0; i < 2; i++) {
        CHECK_INT(oak_accept(l, &c), 0);
        CHECK_INT(oak_conn_close(c), 0);
    }
    CHECK_INT(oak_dial("tcp", at, &client), 0);
    oak__fault_set(OAK__FAULT_ACCEPT, 0, 4, EMFILE);
    CHECK_INT(oak_accept(l, &c), -EMFILE);
    CHECK_INT(oak_accept(l, &c), -EMFILE);
    oak__fault_set(OAK__FAULT_ACCEPT, 0, 3, ECONNABORTED); /* not the listener's business */
    CHECK_INT(oak_accept(l, &c), 0);
    CHECK_INT(oak_conn_close(c), 0);
    CHECK_INT(oak_conn_close(client), 0);
    CHECK_INT(open_descriptors(), before);
    CHECK_INT(oak_listener_close(l), 0);
    return 0;
}

BOTH(foreign_descriptor_and_look_up_without_memory)
{
    int fd[2];
    oak_conn *c;
    CHECK_INT(pipe(fd), 0);
    int before = open_descriptors();
    oak__fault_set(OAK__FAULT_EPOLL, 0, 1, ENOSPC);
    CHECK_INT(oak_wait_fd(fd[0], OAK_READABLE, OAK_SECOND), -ENOSPC);
    oak__fault_set(OAK__FAULT_EPOLL, 0, 1, ENOMEM);
    CHECK_INT(oak_conn_from_fd(fd[0], &c), -ENOMEM);
    oak__fault_set(OAK__FAULT_MALLOC, 0, 1, ENOMEM);
    CHECK_INT(oak_conn_from_fd(fd[0], &c), -ENOMEM);
    CHECK_INT(open_descriptors(), before);
    CHECK_INT(oak_conn_from_fd(fd[0], &c), 0);
    CHECK_INT(oak_conn_close(c), 0);
    close(fd[1]);
    return 0;
}

/* Not a made-up error: the process has no descriptor left. The client waits in the queue meanwhile. */
BOTH(out_of_descriptors)
{
    oak_listener *l;
    oak_conn *client, *c;
    char at[64], buf[4];
    struct rlimit old, none;
    CHECK_INT(oak_listen("tcp", "127.0.0.1:0", &l), 0);
    CHECK(oak_listener_addr(l, at, sizeof at) > 0);
    CHECK_INT(oak_dial("tcp", at, &client), 0);
    CHECK_INT(oak_write(client, "hi", 2), 2);
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 3;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
    CHECK_INT(oak_accept(l, &c), -EMFILE);
    CHECK_INT(oak_dial("tcp", at, &c), -EMFILE);
    CHECK_INT(oak_listen("tcp", "127.0.0.1:0", &l), -EMFILE);
    CHECK_INT(oak_wait_fd(oak_conn_fd(client), OAK_READABLE, OAK_SECOND), -EMFILE);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
    CHECK_INT(oak_accept(l, &c), 0);
    CHECK_INT(oak_read(c, buf, sizeof buf), 2);
    CHECK_INT(oak_conn_close(c), 0);
    CHECK_INT(oak_conn_close(client), 0);
    CHECK_INT(oak_listener_close(l), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TESTS(each_failure_is_reported_and_leaves_nothing_behind),
        BOTH_TESTS(foreign_descriptor_and_look_up_without_memory),
        BOTH_TESTS(out_of_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
