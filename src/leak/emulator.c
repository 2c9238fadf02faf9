#include "leak/emulator.h"

#include "base/atomic.h"
#include "inspect/maps.h"
#include "leak/tasks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int candidate; /* the thread that was there; 0: none */
static _Atomic bool emulated; /* this process is */

struct found {
    int self, other, n;
};

static bool look(int tid, void *arg)
{
    struct found *f = arg;
    f->n++;
    if (tid != f->self)
        f->other = tid;
    return true;
}

static void look_around(void)
{
    struct found f = {.self = (int)raw(SYS_gettid)};
    int dir = raw_open("/proc/self/task", O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return;
    bool all = oak__tasks_each(dir, look, &f) == 0;
    raw_close(dir);
    store_relaxed(&candidate, all && f.n == 2 ? f.other : 0);
}

__attribute__((constructor)) static void begin(void)
{
    look_around();
    if (load_relaxed(&candidate))
        pthread_atfork(NULL, NULL, look_around);
}

/* "202 0x7f.. 0x80 .. sp pc": of a thread that rests in the kernel. Else a word, or nothing: 0. */
static uintptr_t resting_at(int dir, int tid)
{
    char buf[256];
    int fd = oak__task_open(dir, tid, "syscall");
    long n = fd < 0 ? -1 : raw_read(fd, buf, sizeof buf - 1);
    if (fd >= 0)
        raw_close(fd);
    if (n <= 0)
        return 0;
    buf[n] = '\0';
    const char *last = strrchr(buf, ' ');
    return last ? strtoull(last, NULL, 16) : 0;
}

static bool executes_outside(uintptr_t pc)
{
    struct oak__map m;
    const uintptr_t own = (uintptr_t)oak__emulators_own;
    return oak__maps_find((const void *)own, &m) && !oak__maps_find((const void *)pc, &m);
}

bool oak__emulators_own(int dir, int tid)
{
    if (tid != load_relaxed(&candidate))
        return false;
    const uintptr_t pc = resting_at(dir, tid);
    if (pc && !load_relaxed(&emulated) && executes_outside(pc))
        store_relaxed(&emulated, true);
    return pc && load_relaxed(&emulated);
}
