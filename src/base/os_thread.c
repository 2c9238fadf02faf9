/* Threads of the runtime, and what a thread can be asked. */
#include "base/os.h"
#include "base/slab.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { THREAD_STACK = 8 << 20 };

/*
 * What a new thread is told. Not from the heap: the C library keeps the pointer in the thread's own record for as long as
 * the thread lives, and to the leak proof it would be a reference to whatever malloc puts there next.
 */
struct start {
    void *(*fn)(void *);
    void *arg;
    const char *name;
};

static struct oak__slab starts = OAK__SLAB("thread starts", struct start);

static void *begin(void *p)
{
    struct start s = *(struct start *)p;
    oak__slab_free(&starts, p);
    /* Here, not in the creator: a detached thread's pthread_t may be gone by then. */
    prctl(PR_SET_NAME, s.name);
    return s.fn(s.arg);
}

static int create(struct start *s)
{
    pthread_attr_t attr;
    pthread_t id;
    int err = pthread_attr_init(&attr);
    if (err)
        return err;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    err = pthread_create(&id, &attr, begin, s);
    pthread_attr_destroy(&attr);
    return err;
}

int oak__os_thread(void *(*fn)(void *), void *arg, const char *name)
{
    int err = oak__fault_hit(OAK__FAULT_THREAD);
    if (err)
        return err;
    struct start *s = oak__slab_alloc(&starts);
    if (!s)
        return -ENOMEM;
    *s = (struct start){fn, arg, name};
    err = create(s);
    oak__scrub_stack(); /* of the new thread's stack: libc has handled it */
    if (err)
        oak__slab_free(&starts, s);
    return -err;
}

NOINLINE void oak__scrub_stack(void)
{
    enum { SCRUBBED = 3072 };
    char dead[SCRUBBED];
    memset(dead, 0, sizeof dead);
    __asm__ volatile("" ::"r"(dead) : "memory");
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
