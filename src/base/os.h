/*
 * The one door to the kernel: every system call and clock of the core goes through these functions, so that
 * tests can make any of them fail (oak__fault_set) and schedule exploration can replace clocks.
 * All return 0 or a count, or a negative errno. Internal; any folder may include it.
 */
#ifndef OAK_BASE_OS_H
#define OAK_BASE_OS_H

#include "base/atomic.h"
#include "base/common.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* ---- clocks ---- */
int64_t oak__os_now(void);     /* CLOCK_MONOTONIC, ns */
uint64_t oak__os_random(void); /* a seed */

/* ---- threads and waiting ---- */
/* Sleeps while *word == expected, at most until the absolute time (OAK_FOREVER: none). -EAGAIN, -EINTR,
 * -ETIMEDOUT or 0. */
int oak__os_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t until);
void oak__os_futex_wake(_Atomic uint32_t *word, int count);
/*
 * Starts a detached thread with an 8 MiB stack: 0, -EAGAIN, -ENOMEM. name (up to 15 bytes) is for ps and top;
 * it must outlive the call. The signal mask is the creator's: a program that blocks a signal before it starts
 * the runtime, in order to wait for it in one thread, has it blocked in ours as well.
 */
int oak__os_thread(void *(*fn)(void *), void *arg, const char *name);
/* The bounds of the calling thread's own stack; NULLs where they cannot be told for want of memory. Of the process's first
 * thread this means reading all of /proc/self/maps. */
void oak__os_thread_bounds(char **lo, char **hi);
/* Runs fn(arg) on a thread of its own, with a stack of the usual size, and waits for it: 0, -EAGAIN, -ENOMEM. */
int oak__os_thread_wait(void *(*fn)(void *), void *arg);
void oak__os_sleep(int64_t ns);
/*
 * Clears some KiB below the caller's frame. What earlier calls have left there would come back to life in the holes of the frames to
 * come: to the leak proof, references to channels, and to blocks that end where a thread's stack begins.
 */
void oak__scrub_stack(void);
int oak__os_gettid(void);
/* CPU time that thread tid of this process has used, ns; negative errno. */
int64_t oak__os_thread_cpu(int tid);
/* Thread tid of this process is on a processor or waits for one. False: it sleeps, or that cannot be told. */
bool oak__os_thread_runnable(int tid);

/* ---- the asymmetric barrier ---- */
/* 0 when membarrier(PRIVATE_EXPEDITED) works; then oak__os_membarrier() makes every thread of the process
 * pass a full fence, and the other side of a Dekker pair needs only compiler_barrier(). */
int oak__os_membarrier_init(void);
void oak__os_membarrier(void);

/* ---- memory ---- */
void *oak__os_reserve(size_t size, size_t align); /* readable and writable, committed by touch; NULL */
void oak__os_unreserve(void *p, size_t size);
bool oak__os_is_mapped(const void *p, size_t size);
int oak__os_guard(void *p, size_t size, bool light); /* light: MADV_GUARD_INSTALL, else mprotect */
int oak__os_guard_light_works(void);                 /* 1, 0, or -ENOMEM: no page to try it on */
/* madvise(2) says yes to what no kernel knows: an emulator's (qemu-user). It does something for each page that is reserved. */
bool oak__os_advice_is_ignored(void);
void oak__os_core(void *p, size_t size, bool dump); /* whether a core file is to have it */
void oak__os_discard(void *p, size_t size);         /* gives the pages back; they read as zero afterwards */
size_t oak__os_page_size(void);
int oak__os_reach(void *p, size_t size, bool on); /* whether the program can read and write there */
int oak__os_unguard(void *p, size_t size); /* takes light guards away; what they replaced reads as zero */
/* os_userfault.c. A descriptor; then ranges of private memory are added to it, of which single pages can be filled, guard or not, in
 * one step, and protected against writing: who writes to them meanwhile gets SIGBUS. */
int oak__os_userfault_open(void);
int oak__os_userfault_add(int fd, void *p, size_t size);
int oak__os_userfault_protect(int fd, void *p, size_t size, bool on);
int oak__os_userfault_fill(int fd, void *page, const void *from);

/* ---- processors ---- */
int oak__os_cpus(void); /* affinity and cgroup quota (v1, v2), at least 1 */
/* CPUs that the process's cgroups allow, rounded up: the least of its group's and all its ancestors' quotas.
 * 0: no limit. root is put before each path ("" for the real files), for tests. */
int oak__os_cgroup_cpus(const char *root);

/* ---- descriptors ---- */
int oak__os_close(int fd);
int oak__os_epoll_create(void);
int oak__os_epoll_ctl(int ep, int op, int fd, uint32_t events, uint64_t data);
/* limit in ns: 0 polls, OAK_FOREVER blocks. Never returns early but for events or -EINTR. */
int oak__os_epoll_wait(int ep, struct epoll_event *ev, int max, int64_t limit);
int oak__os_eventfd(void); /* non-blocking, close-on-exec */
int oak__os_set_nonblock(int fd);
int oak__os_dup(int fd); /* close-on-exec */
/* poll(2) without waiting: those of events that are (also POLLHUP, POLLERR), 0, or -EBADF. */
int oak__os_poll(int fd, short events);

/* ---- sockets: close-on-exec and non-blocking are added ---- */
int oak__os_socket(int family, int type, int proto);
int oak__os_bind(int fd, const struct sockaddr *sa, socklen_t len);
int oak__os_listen(int fd, int backlog);
int oak__os_accept(int fd, struct sockaddr *sa, socklen_t *len);
int oak__os_connect(int fd, const struct sockaddr *sa, socklen_t len); /* -EINPROGRESS when begun */
int oak__os_setsockopt(int fd, int level, int name, int value);
int oak__os_getsockopt(int fd, int level, int name); /* the value (>= 0), or negative errno */
int oak__os_sockname(int fd, bool peer, struct sockaddr *sa, socklen_t *len);
int oak__os_shutdown(int fd, int how);

/* ---- bytes: EINTR is retried. socket tells which family of calls to use. No SIGPIPE is ever raised ---- */
ssize_t oak__os_recv(int fd, void *buf, size_t n, bool socket);
ssize_t oak__os_send(int fd, const void *buf, size_t n, bool socket);
ssize_t oak__os_readv(int fd, const struct iovec *iov, int n, bool socket);
ssize_t oak__os_writev(int fd, const struct iovec *iov, int n, bool socket);
ssize_t oak__os_peek(int fd); /* one byte of a socket, left unread: 1, 0 at end of stream */

/* ---- fault injection, for tests ---- */
enum oak__fault {
    OAK__FAULT_NONE,
    OAK__FAULT_MMAP,
    OAK__FAULT_THREAD,
    OAK__FAULT_MALLOC,
    OAK__FAULT_EPOLL,
    OAK__FAULT_SOCKET,
    OAK__FAULT_ACCEPT,
    OAK__FAULT_FORK,
    OAK__FAULT_COUNT
};
/* The next `times` calls of this kind after `after` more succeed-as-usual ones fail with err (positive
 * errno). */
void oak__fault_set(enum oak__fault kind, int after, int times, int err);
/* 0, or the negative errno that this call must fail with. */
int oak__fault_hit(enum oak__fault kind);
/* Calls of this kind since a fault was set, the failed ones among them. Counting ends with the last failure. */
int oak__fault_calls(enum oak__fault kind);
/* malloc, calloc (one zeroed block) and free of the core, with the fault door. NULL when memory is out. */
void *oak__malloc(size_t size);
void *oak__calloc(size_t size);
void oak__free(void *p);

#endif
