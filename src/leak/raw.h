/*
 * System calls that no sanitizer and no library wrapper sees: for code that runs while other threads are
 * stopped, or in the clone of a process. They touch nothing but errno of the calling thread.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_RAW_H
#define OAK_LEAK_RAW_H

#include "base/common.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Result, or negative errno. */
#define raw(...) raw_result(syscall(__VA_ARGS__))

static inline long raw_result(long rc)
{
    return rc < 0 ? -errno : rc;
}

/* NULL when refused. */
static inline void *raw_mmap(size_t size, int prot, int flags)
{
    long rc = raw(SYS_mmap, NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);
    return rc < 0 && rc > -4096 ? NULL : (void *)rc;
}

static inline int raw_open(const char *path, int flags)
{
    return (int)raw(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0);
}

/* A file that /proc has of this process, by a name of at most 16 bytes: of the calling thread's folder, since that of the first thread
 * is empty when that has ended. */
static inline int raw_open_own(const char *name, int flags)
{
    char path[40] = "/proc/thread-self/";
    strcat(path, name);
    return raw_open(path, flags);
}

static inline long raw_read(int fd, void *buf, size_t n)
{
    long rc;
    do
        rc = raw(SYS_read, fd, buf, n);
    while (rc == -EINTR);
    return rc;
}

static inline void raw_close(int fd)
{
    raw(SYS_close, fd);
}

#endif
