/* Threads of the runtime, and what a thread can be asked. */
#include "base/os.h"
#include "base/slab.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { THREAD_STACK = 8 << 20 };

/*
 * What a new thread is told, and its stack. Not from the heap: the C library keeps the pointer in the thread's own record for as
 * long as the thread lives, and to the leak proof it would be a reference to whatever malloc puts there next.
 *
 * The stack is ours, because its bounds must be known in the thread: the C library's way of asking for them
 * (pthread_getattr_np) allocates, and may fall over when there is no memory. A thread cannot give back the stack that it
 * runs on; who starts another one takes it over once the kernel knows of no such thread any more. Its address is kept in disguise:
 * a large block often ends where it begins, and to the leak proof would be known by it.
 */
struct start {
    void *(*fn)(void *);
    void *arg;
    const char *name;
    uintptr_t not_stack; /* complement of the stack's address: its guard, then THREAD_STACK bytes; 0: none */
    int tid;
    struct start *next; /* in the list of those that have ended */
};

static struct oak__slab starts = OAK__SLAB("thread starts", struct start);
static oak__lock ended_lock;
static struct start *ended;
static __thread char *own_lo, *own_hi;

static size_t guard_size(void)
{
    return oak__os_page_size();
}

static char *stack_of(const struct start *s)
{
    return s->not_stack ? (char *)~s->not_stack : NULL;
}

static void *begin(void *p)
{
    struct start *s = p;
    own_lo = stack_of(s) + guard_size();
    own_hi = own_lo + THREAD_STACK;
    /* Here, not in the creator: a detached thread's pthread_t may be gone by then. */
    prctl(PR_SET_NAME, s->name);
    void *result = s->fn(s->arg);
    s->tid = oak__os_gettid();
    lock(&ended_lock);
    s->next = ended;
    ended = s;
    unlock(&ended_lock);
    return result;
}

/*
 * The C library's way of asking makes three small allocations; 2.36 falls over when one of them fails. So they are tried
 * first: what has just been freed is at hand.
 */
static bool can_ask(void)
{
    enum { TIMES = 3, SIZE = 64 };
    void *p[TIMES];
    bool all = true;
    for (int i = 0; i < TIMES; i++)
        all = (p[i] = malloc(SIZE)) && all;
    for (int i = 0; i < TIMES; i++)
        free(p[i]);
    return all;
}

static void ask_bounds(char **lo, char **hi)
{
    pthread_attr_t attr;
    void *at;
    size_t size;
    if (!can_ask() || pthread_getattr_np(pthread_self(), &attr))
        return;
    if (!pthread_attr_getstack(&attr, &at, &size)) {
        *lo = at;
        *hi = *lo + size;
    }
    pthread_attr_destroy(&attr);
}

void oak__os_thread_bounds(char **lo, char **hi)
{
    *lo = own_lo;
    *hi = own_hi;
    if (!own_lo)
        ask_bounds(lo, hi);
}

static bool has_gone(const struct start *s)
{
    return syscall(SYS_tgkill, getpid(), s->tid, 0) != 0 && errno == ESRCH;
}

/* One whose stack nobody stands on any more, or NULL. */
static struct start *take_ended(void)
{
    lock(&ended_lock);
    struct start **at = &ended;
    while (*at && !has_gone(*at))
        at = &(*at)->next;
    struct start *s = *at;
    if (s)
        *at = s->next;
    unlock(&ended_lock);
    return s;
}

static void drop(struct start *s)
{
    if (s->not_stack)
        oak__os_unreserve(stack_of(s), guard_size() + THREAD_STACK);
    oak__slab_free(&starts, s);
}

static struct start *new_start(void)
{
    struct start *s = take_ended();
    if (!s)
        s = oak__slab_alloc(&starts);
    if (!s || s->not_stack)
        return s;
    char *stack = oak__os_reserve(guard_size() + THREAD_STACK, guard_size());
    s->not_stack = stack ? ~(uintptr_t)stack : 0;
    if (!stack || oak__os_guard(stack, guard_size(), false)) {
        drop(s);
        return NULL;
    }
    return s;
}

static int make_thread(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    /* The C library takes for granted that an allocator that refuses has said why, and aborts otherwise. */
    errno = ENOMEM;
    return pthread_create(id, attr, fn, arg);
}

static int create(struct start *s)
{
    pthread_attr_t attr;
    pthread_t id;
    int err = pthread_attr_init(&attr);
    if (err)
        return err;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstack(&attr, stack_of(s) + guard_size(), THREAD_STACK);
    err = make_thread(&id, &attr, begin, s);
    pthread_attr_destroy(&attr);
    return err;
}

int oak__os_thread(void *(*fn)(void *), void *arg, const char *name)
{
    int err = oak__fault_hit(OAK__FAULT_THREAD);
    if (err)
        return err;
    struct start *s = new_start();
    if (!s)
        return -ENOMEM;
    s->fn = fn;
    s->arg = arg;
    s->name = name;
    err = create(s);
    oak__scrub_stack(); /* of the new thread's stack: libc has handled it */
    if (err)
        drop(s);
    return -err;
}

NOINLINE void oak__scrub_stack(void)
{
    enum { SCRUBBED = 3072 };
    char dead[SCRUBBED];
    memset(dead, 0, sizeof dead);
    __asm__ volatile("" ::"r"(dead) : "memory");
}

int oak__os_thread_wait(void *(*fn)(void *), void *arg)
{
    pthread_t id;
    int err = oak__fault_hit(OAK__FAULT_THREAD);
    if (!err)
        err = -make_thread(&id, NULL, fn, arg);
    if (!err)
        pthread_join(id, NULL);
    return err;
}

int oak__os_gettid(void)
{
    return gettid();
}

int64_t oak__os_thread_cpu(int tid)
{
    /* The kernel's clock of one thread: the complement of its id above three bits of kind (include/linux/
     * posix-timers.h): 4 is "of a thread, not a process", 2 "time on a processor as the scheduler counts it".
     */
    struct timespec ts;
    clockid_t clock = (clockid_t)(~(unsigned)tid << 3 | 4 | 2);
    if (clock_gettime(clock, &ts))
        return -errno;
    return ts.tv_sec * OAK_SECOND + ts.tv_nsec;
}

bool oak__os_thread_runnable(int tid)
{
    /* "tid (name) state ...", where the name may hold anything: it is the thread's own, of at most 15 bytes. */
    char text[64];
    snprintf(text, sizeof text, "/proc/self/task/%d/stat", tid);
    int fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *end = strrchr(text, ')');
    return end && end[1] == ' ' && end[2] == 'R';
}
