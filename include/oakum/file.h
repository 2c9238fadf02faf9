/*
 * Files. The calls below are the system calls of the same names, with the P handed over while they block, so
 * that a slow disk stalls no other goroutine. Results are negative errno instead of errno; EINTR is retried.
 * A call in progress is not cancelled; one that starts under an ended context returns -ECANCELED or
 * -ETIMEDOUT; -ENOMEM also for a plain thread's first use (but oak_file_close works then). From any thread. SIGPIPE is never
 * raised.
 *
 * Descriptors are the kernel's: -EBADF for what is none. -EINVAL: NULL for a path or a buffer (with size 0 NULL
 * will do), more bytes than SSIZE_MAX. -EFAULT: a buffer where there is no memory.
 *
 * Writing where there is no room gives -ENOSPC, -EDQUOT, or -EFBIG beyond RLIMIT_FSIZE, for which the kernel also sends
 * SIGXFSZ: a program that lives under that limit ignores the signal.
 */
#ifndef OAKUM_FILE_H
#define OAKUM_FILE_H

#include <oakum/base.h>
#include <sys/stat.h>

OAK__BEGIN

/* open(2) with O_CLOEXEC added. The descriptor (close it with oak_file_close) or negative errno. */
OAK_API OAK_MUST_CHECK int oak_file_open(const char *path, int flags, mode_t mode);
/* pread(2), pwrite(2). Offset -1: at the file's own position, as read(2), write(2). Bytes, which may be fewer
 * than asked. -EINVAL: an offset below -1. */
OAK_API OAK_MUST_CHECK ssize_t oak_file_read(int fd, void *buf, size_t size, off_t offset);
OAK_API OAK_MUST_CHECK ssize_t oak_file_write(int fd, const void *buf, size_t size, off_t offset);
/* fsync(2): what was written is on the disk when it returns 0. */
OAK_API OAK_MUST_CHECK int oak_file_sync(int fd);
/* stat(2): 0 and *out. */
OAK_API OAK_MUST_CHECK int oak_file_stat(const char *path, struct stat *out);
/* close(2): fd is gone, whatever the result; an error tells of what was written before. */
OAK_API int oak_file_close(int fd);

OAK__END

#endif
