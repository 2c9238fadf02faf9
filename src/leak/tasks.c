#include "leak/tasks.h"

#include <string.h>

struct entry { /* the kernel's struct linux_dirent64 */
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
    uint8_t type;
    char name[];
};

static int number(const char *s)
{
    int n = 0;
    for (; *s >= '0' && *s <= '9'; s++)
        n = n * 10 + (*s - '0');
    return n;
}

int oak__tasks_each(int dir, bool (*fn)(int tid, void *arg), void *arg)
{
    char buf[4096] __attribute__((aligned(8)));
    long n = raw(SYS_lseek, dir, 0, SEEK_SET);
    while (n >= 0 && (n = raw(SYS_getdents64, dir, buf, sizeof buf)) > 0)
        for (long at = 0; at < n;) {
            const struct entry *e = (const void *)(buf + at);
            int tid = number(e->name);
            if (tid > 0 && !fn(tid, arg))
                return 0;
            at += e->reclen;
        }
    return (int)n;
}

int oak__put_number(char *to, int n)
{
    char digits[12];
    int k = 0;
    do
        digits[k++] = (char)('0' + n % 10);
    while (n /= 10);
    for (int i = 0; i < k; i++)
        to[i] = digits[k - 1 - i];
    return k;
}

static const char *word(const char *s, int skip)
{
    for (; skip > 0; skip--) {
        s = strchr(s, ' ');
        if (!s)
            return "";
        s++;
    }
    return s;
}

int oak__task_open(int dir, int tid, const char *name)
{
    char path[32];
    int k = oak__put_number(path, tid);
    path[k++] = '/';
    memcpy(path + k, name, strlen(name) + 1);
    return (int)raw(SYS_openat, dir, path, O_RDONLY | O_CLOEXEC, 0);
}

/* "17 (name) S 1 17 17 0 -1 4194560 ...": the state, and six words later the kernel's flags of the thread. */
bool oak__task_runs_code(int dir, int tid)
{
    enum { IO_WORKER = 0x10, USER_WORKER = 0x4000, KERNEL_THREAD = 0x200000 };
    char buf[512];
    int fd = oak__task_open(dir, tid, "stat");
    if (fd < 0)
        return fd != -ENOENT;
    long n = raw_read(fd, buf, sizeof buf - 1);
    raw_close(fd);
    if (n <= 0)
        return n != -ESRCH;
    buf[n] = '\0';
    const char *rest = strrchr(buf, ')');
    if (!rest || rest[1] != ' ')
        return true;
    char state = rest[2];
    int flags = number(word(rest + 2, 6));
    return state != 'Z' && state != 'X' && !(flags & (IO_WORKER | USER_WORKER | KERNEL_THREAD));
}
