/* Address space: large reserved regions, guards in them, pages given back; and the core's malloc. */
#include "base/os.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
    #define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

size_t oak__os_page_size(void)
{
    static _Atomic size_t cached;
    size_t n = load_relaxed(&cached);
    if (unlikely(!n)) {
        n = (size_t)sysconf(_SC_PAGESIZE);
        store_relaxed(&cached, n);
    }
    return n;
}

void *oak__os_reserve(size_t size, size_t align)
{
    size_t page = oak__os_page_size();
    size_t slack = align > page ? align - page : 0;
    if (oak__fault_hit(OAK__FAULT_MMAP) || size + slack < size)
        return NULL;
    /* No swap space is set aside, so the reserve may exceed what the machine has. */
    char *p =
        mmap(NULL, size + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    char *base = slack ? (char *)round_up((uintptr_t)p, align) : p;
    size_t head = (size_t)(base - p);
    if (head)
        munmap(p, head);
    if (slack - head)
        munmap(base + size, slack - head);
    /* A huge page under a stack would commit 2 MiB at the first touch. Kernels without huge pages refuse. */
    (void)madvise(base, size, MADV_NOHUGEPAGE);
    return base;
}

void oak__os_unreserve(void *p, size_t size)
{
    munmap(p, size);
}

bool oak__os_is_mapped(const void *p, size_t size)
{
    unsigned char in[1024];
    const uintptr_t page = oak__os_page_size(), end = (uintptr_t)p + size;
    for (uintptr_t at = (uintptr_t)p & ~(page - 1); at < end; at += sizeof in * page) {
        const size_t part = end - at < sizeof in * page ? end - at : sizeof in * page;
        if (mincore((void *)at, part, in))
            return false;
    }
    return true;
}

int oak__os_guard(void *p, size_t size, bool light)
{
    int err = oak__fault_hit(OAK__FAULT_MMAP);
    if (err)
        return err;
    int rc = light ? madvise(p, size, MADV_GUARD_INSTALL) : mprotect(p, size, PROT_NONE);
    return rc ? -errno : 0;
}

/* True when the kernel cannot read the zeros at p. It is asked to sleep for so long: that takes no descriptor, which may be
 * scarce. */
static bool unreadable(const void *p)
{
    return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, p, NULL) != 0 && errno == EFAULT;
}

int oak__os_guard_light_works(void)
{
    size_t page = oak__os_page_size();
    if (oak__fault_hit(OAK__FAULT_MMAP))
        return -ENOMEM;
    void *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return -ENOMEM;
    /* Not by the return value alone: qemu-user says yes to advice it does not know. */
    bool works = madvise(p, page, MADV_GUARD_INSTALL) == 0 && unreadable(p);
    munmap(p, page);
    return works;
}

bool oak__os_advice_is_ignored(void)
{
    enum { NO_ADVICE = 9999 };
    void *p = mmap(NULL, oak__os_page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return false;
    bool ignored = madvise(p, oak__os_page_size(), NO_ADVICE) == 0;
    munmap(p, oak__os_page_size());
    return ignored;
}

int oak__os_reach(void *p, size_t size, bool on)
{
    return mprotect(p, size, on ? PROT_READ | PROT_WRITE : PROT_NONE) ? -errno : 0;
}

void oak__os_core(void *p, size_t size, bool dump)
{
    (void)madvise(p, size, dump ? MADV_DODUMP : MADV_DONTDUMP);
}

void oak__os_discard(void *p, size_t size)
{
    madvise(p, size, MADV_DONTNEED);
}

void *oak__malloc(size_t size)
{
    return oak__fault_hit(OAK__FAULT_MALLOC) ? NULL : malloc(size);
}

void *oak__calloc(size_t size)
{
    return oak__fault_hit(OAK__FAULT_MALLOC) ? NULL : calloc(1, size);
}

void oak__free(void *p)
{
    free(p);
}
