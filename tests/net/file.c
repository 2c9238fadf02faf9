/* Files: the system calls with errors as results, and no goroutine stalled by them. */
#include "check.h"

#include <fcntl.h>
#include <oakum/file.h>
#include <sys/stat.h>

BOTH(bytes_go_into_a_file_and_out)
{
    char name[] = "/tmp/oakum-file-XXXXXX", buf[16];
    struct stat st;
    close(mkstemp(name));
    int fd = oak_file_open(name, O_RDWR | O_TRUNC, 0600);
    CHECK(fd >= 0);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    CHECK_INT(oak_file_write(fd, "hello", 5, -1), 5);
    CHECK_INT(oak_file_write(fd, "J", 1, 0), 1);
    CHECK_INT(oak_file_write(fd, "!", 1, -1), 1); /* the position is where the first write left it */
    CHECK_INT(oak_file_sync(fd), 0);
    CHECK_INT(oak_file_read(fd, buf, sizeof buf, -1), 0);
    CHECK_INT(oak_file_read(fd, buf, sizeof buf, 0), 6);
    CHECK(memcmp(buf, "Jello!", 6) == 0);
    CHECK_INT(oak_file_read(fd, buf, 2, 4), 2);
    CHECK_INT(oak_file_stat(name, &st), 0);
    CHECK_INT(st.st_size, 6);
    CHECK_INT(oak_file_close(fd), 0);
    unlink(name);
    return 0;
}

BOTH(errors_are_results)
{
    struct stat st;
    char byte = 0;
    errno = 0;
    CHECK_INT(oak_file_open("/nonexistent-oakum", O_RDONLY, 0), -ENOENT);
    CHECK_INT(oak_file_open(NULL, O_RDONLY, 0), -EINVAL);
    CHECK_INT(oak_file_stat("/nonexistent-oakum", &st), -ENOENT);
    CHECK_INT(oak_file_stat(NULL, &st), -EINVAL);
    CHECK_INT(oak_file_stat("/", NULL), -EINVAL);
    CHECK_INT(oak_file_read(-1, &byte, 1, -1), -EBADF);
    CHECK_INT(oak_file_read(0, NULL, 1, -1), -EINVAL);
    CHECK_INT(oak_file_read(0, &byte, 1, -2), -EINVAL);
    CHECK_INT(oak_file_read(0, &byte, SIZE_MAX, -1), -EINVAL);
    CHECK_INT(oak_file_write(-1, &byte, 1, 0), -EBADF);
    CHECK_INT(oak_file_write(1, NULL, 1, -1), -EINVAL);
    CHECK_INT(oak_file_sync(-1), -EBADF);
    CHECK_INT(oak_file_close(-1), -EBADF);
    int fd = oak_file_open("/dev/full", O_WRONLY, 0);
    CHECK_INT(oak_file_write(fd, &byte, 1, -1), -ENOSPC);
    CHECK_INT(oak_file_close(fd), 0);
    return 0;
}

/* As many goroutines as it takes to occupy every P read an empty pipe; another one feeds them. */
static ssize_t read_pipe(struct call *c)
{
    return oak_file_read(*(int *)c->buf, c->buf, 1, -1);
}

BOTH(blocked_file_calls_stall_nobody)
{
    enum { MOST = 256 };
    static struct call calls[MOST];
    static int at[MOST];
    int fd[2], n = oak_procs() + 2;
    CHECK(n <= MOST);
    CHECK_INT(pipe(fd), 0);
    for (int i = 0; i < n; i++) {
        at[i] = fd[0];
        calls[i] = (struct call){.fn = read_pipe, .buf = &at[i]};
        start_call(&calls[i]);
    }
    for (int i = 0; i < 100; i++) /* these need Ps */
        CHECK_INT(oak_sleep(100 * OAK_MICROSECOND), 0);
    for (int i = 0; i < n; i++)
        CHECK_INT(oak_file_write(fd[1], "x", 1, -1), 1);
    for (int i = 0; i < n; i++)
        CHECK_INT(result_of(&calls[i]), 1);
    CHECK_INT(oak_file_close(fd[0]), 0);
    CHECK_INT(oak_file_close(fd[1]), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TESTS(bytes_go_into_a_file_and_out),
        BOTH_TESTS(errors_are_results),
        BOTH_TESTS(blocked_file_calls_stall_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
