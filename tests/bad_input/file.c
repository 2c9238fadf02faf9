/* include/oakum/file.h with bad input. */
#include "bad.h"

#include <oakum/file.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

/* Bytes that nobody may read or write. */
static void *forbidden(void)
{
    void *p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(p != MAP_FAILED);
    return p;
}

BOTH(paths)
{
    struct stat st;
    expect(oak_file_open(NULL, O_RDONLY, 0) == -EINVAL && oak_file_open("", O_RDONLY, 0) == -ENOENT);
    expect(oak_file_open("/nowhere/at/all", O_RDONLY, 0) == -ENOENT &&
           oak_file_open("/", O_RDWR, 0) == -EISDIR);
    expect(oak_file_stat(NULL, &st) == -EINVAL && oak_file_stat("/", NULL) == -EINVAL);
    expect(oak_file_stat("", &st) == -ENOENT);
    void *p = forbidden();
    expect(oak_file_open(p, O_RDONLY, 0) == -EFAULT && oak_file_stat(p, &st) == -EFAULT);
    munmap(p, 4096);
}

BOTH(descriptors)
{
    static const int wrong[] = {-1, INT32_MIN, INT32_MAX, 1000000};
    char c = 'x';
    for (size_t i = 0; i < countof(wrong); i++) {
        expect(oak_file_read(wrong[i], &c, 1, -1) == -EBADF && oak_file_read(wrong[i], &c, 1, 0) == -EBADF);
        expect(oak_file_write(wrong[i], &c, 1, -1) == -EBADF && oak_file_write(wrong[i], &c, 1, 0) == -EBADF);
        expect(oak_file_sync(wrong[i]) == -EBADF && oak_file_close(wrong[i]) == -EBADF);
    }
    int fd = oak_file_open("/", O_RDONLY, 0);
    expect(fd >= 0 && oak_file_read(fd, &c, 1, -1) == -EISDIR && oak_file_write(fd, &c, 1, -1) == -EBADF);
    expect(oak_file_close(fd) == 0 && oak_file_close(fd) == -EBADF);
}

BOTH(buffers)
{
    char c = 'x';
    void *p = forbidden();
    int zero = oak_file_open("/dev/zero", O_RDWR, 0), full = oak_file_open("/dev/full", O_WRONLY, 0);
    expect(zero >= 0 && full >= 0);
    for (off_t at = -1; at <= 0; at++) {
        expect(oak_file_read(zero, NULL, 1, at) == -EINVAL && oak_file_write(zero, NULL, 1, at) == -EINVAL);
        expect(oak_file_read(zero, NULL, 0, at) == 0 && oak_file_write(zero, NULL, 0, at) == 0);
        expect(oak_file_read(zero, &c, SIZE_MAX, at) == -EINVAL &&
               oak_file_write(zero, &c, SIZE_MAX, at) == -EINVAL);
        expect(oak_file_read(zero, p, 1, at) == -EFAULT);
        expect(oak_file_write(full, &c, 1, at) == -ENOSPC);
    }
    expect(oak_file_read(zero, &c, 1, -2) == -EINVAL && oak_file_write(zero, &c, 1, INT64_MIN) == -EINVAL);
    expect(oak_file_close(zero) == 0 && oak_file_close(full) == 0);
    munmap(p, 4096);
}

BOTH(a_pipe_without_a_reader_raises_no_signal)
{
    int fds[2];
    char c = 'x';
    expect(signal(SIGPIPE, SIG_DFL) != SIG_ERR && pipe(fds) == 0 && oak_file_close(fds[0]) == 0);
    expect(oak_file_write(fds[1], &c, 1, -1) == -EPIPE && oak_file_write(fds[1], &c, 1, 0) == -ESPIPE);
    expect(oak_file_close(fds[1]) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(descriptors),
        cmocka_unit_test(buffers),
        cmocka_unit_test(a_pipe_without_a_reader_raises_no_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
