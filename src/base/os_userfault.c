/*
 * userfaultfd(2), for one thing only: putting a page with its contents where a guard is, or nothing, in one step, so that no
 * other thread ever sees it half filled; and keeping writers out of a page for a moment without splitting its mapping.
 * Nobody reads events: who touches what he must not gets SIGBUS (UFFD_FEATURE_SIGBUS).
 */
#include "base/os.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef UFFD_USER_MODE_ONLY
    #define UFFD_USER_MODE_ONLY 1 /* Linux 5.11: asks for no privilege */
#endif
#ifndef MADV_GUARD_REMOVE
    #define MADV_GUARD_REMOVE 103 /* Linux 6.13 */
#endif

int oak__os_userfault_open(void)
{
    int err = oak__fault_hit(OAK__FAULT_MMAP);
    if (err)
        return err;
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
    if (fd < 0)
        return -errno;
    struct uffdio_api api = {.api = UFFD_API,
                             .features = UFFD_FEATURE_SIGBUS | UFFD_FEATURE_PAGEFAULT_FLAG_WP};
    if (ioctl(fd, UFFDIO_API, &api)) {
        err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

int oak__os_userfault_add(int fd, void *p, size_t size)
{
    struct uffdio_register r = {.range = {(uintptr_t)p, size}, .mode = UFFDIO_REGISTER_MODE_WP};
    return ioctl(fd, UFFDIO_REGISTER, &r) ? -errno : 0;
}

int oak__os_userfault_protect(int fd, void *p, size_t size, bool on)
{
    struct uffdio_writeprotect w = {.range = {(uintptr_t)p, size},
                                    .mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0};
    int rc;
    do /* EAGAIN: the mappings are being copied by a fork */
        rc = ioctl(fd, UFFDIO_WRITEPROTECT, &w) ? -errno : 0;
    while (rc == -EAGAIN || rc == -EINTR);
    return rc;
}

int oak__os_userfault_fill(int fd, void *page, const void *from)
{
    struct uffdio_copy c = {.dst = (uintptr_t)page, .src = (uintptr_t)from, .len = oak__os_page_size()};
    int rc;
    do {
        c.copy = 0;
        rc = ioctl(fd, UFFDIO_COPY, &c) ? -errno : 0;
    } while (rc == -EAGAIN || rc == -EINTR);
    return rc;
}

int oak__os_unguard(void *p, size_t size)
{
    return madvise(p, size, MADV_GUARD_REMOVE) ? -errno : 0;
}
