#include "leak/kernel.h"

#include "leak/raw.h"
#include "leak/tasks.h"
#include "poll/poll.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { MOST_SETS = 1 << 16, MOST_WORDS = 1 << 20, PIECE = 16384, PATH_ROOM = 64 };

/* The name of a file in the process's folder: what, and a number if that is not negative. */
static const char *path_in(const struct oak__kernel *k, const char *what, int number, char path[PATH_ROOM])
{
    const size_t folder = strlen(k->proc), length = strlen(what);
    memcpy(path, k->proc, folder);
    memcpy(path + folder, what, length);
    size_t n = folder + length;
    if (number >= 0)
        n += (size_t)oak__put_number(path + n, number);
    path[n] = '\0';
    return path;
}

struct search {
    struct oak__kernel *k;
    int probe; /* a descriptor of this process that is in no set; -1: the sets are another process's */
};

/*
 * A descriptor that is no epoll set knows nothing of what is in it: EINVAL. A set knows that this is not: ENOENT. (Reading the
 * link that /proc has takes fifteen times as long.)
 */
static bool is_set(const struct search *s, int fd)
{
    static const char name[] = "anon_inode:[eventpoll]";
    char path[PATH_ROOM], link[sizeof name];
    if (s->probe >= 0)
        return fd != s->probe && !oak__poll_is_own_set(fd) &&
               raw(SYS_epoll_ctl, fd, EPOLL_CTL_DEL, s->probe, NULL) == -ENOENT;
    long n = raw(SYS_readlinkat, AT_FDCWD, path_in(s->k, "/fd/", fd, path), link, sizeof link);
    return n == sizeof name - 1 && memcmp(link, name, sizeof name - 1) == 0;
}

static bool look_at(int fd, void *arg)
{
    struct search *s = arg;
    if (!is_set(s, fd)) {
        s->k->hidden = s->k->own && fd != s->probe && !oak__queues_note(&s->k->queues, fd);
        return !s->k->hidden;
    }
    s->k->hidden = s->k->nsets == MOST_SETS;
    if (!s->k->hidden)
        s->k->sets[s->k->nsets++] = fd;
    return !s->k->hidden;
}

int oak__kernel_find(struct oak__kernel *k, struct oak__scratch *scratch, int pid)
{
    char path[PATH_ROOM];
    *k = (struct oak__kernel){.proc = "/proc/thread-self",
                              .sets = oak__scratch_alloc(scratch, MOST_SETS, sizeof *k->sets),
                              .words = oak__scratch_alloc(scratch, MOST_WORDS, sizeof *k->words)};
    if (!k->sets || !k->words)
        return -ENOMEM;
    k->own = !pid;
    if (k->own && oak__queues_prepare(&k->queues, scratch))
        return -ENOMEM;
    if (pid)
        k->proc[strlen("/proc/") + (size_t)oak__put_number(k->proc + strlen("/proc/"), pid)] = '\0';
    struct search s = {.k = k, .probe = pid ? -1 : (int)raw(SYS_eventfd2, 0, EFD_CLOEXEC)};
    const int dir = raw_open(path_in(k, "/fd", -1, path), O_RDONLY | O_DIRECTORY);
    if ((!pid && s.probe < 0) || dir < 0 || oak__tasks_each(dir, look_at, &s))
        k->hidden = true;
    else
        look_at(0, &s); /* which is no task's number */
    if (dir >= 0)
        raw_close(dir);
    if (s.probe >= 0)
        raw_close(s.probe);
    return 0;
}

/* Looks for hexadecimal numbers in a stream of text: those that follow a label and, where `after` is not 0, that sign. */
struct reading {
    struct oak__kernel *k;
    const char *label;
    char after;
    size_t matched; /* of the label */
    bool begun;
    uintptr_t number;
};

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void number_ends(struct reading *r)
{
    if (r->k->nwords == MOST_WORDS)
        r->k->hidden = true;
    else if (r->number)
        r->k->words[r->k->nwords++] = r->number;
    r->matched = 0;
    r->begun = false;
    r->number = 0;
}

static void take(struct reading *r, char c)
{
    const size_t length = strlen(r->label);
    if (r->matched < length) {
        r->matched = c == r->label[r->matched] ? r->matched + 1 : c == r->label[0];
        if (r->matched == length)
            r->begun = r->after == 0;
        return;
    }
    if (!r->begun) {
        r->begun = c == r->after;
    } else if (digit(c) >= 0) {
        r->number = r->number << 4 | (uintptr_t)digit(c);
    } else if (c != ' ' || r->number) {
        number_ends(r);
    }
}

/* False: it cannot be opened or read. */
static bool read_file(struct oak__kernel *k, const char *path, const char *label, char after)
{
    char buf[PIECE];
    struct reading r = {.k = k, .label = label, .after = after};
    const int fd = raw_open(path, O_RDONLY);
    if (fd < 0)
        return fd == -ENOENT; /* it has been closed, or this kernel has no such file */
    long n;
    while ((n = raw_read(fd, buf, sizeof buf)) > 0)
        for (long i = 0; i < n; i++)
            take(&r, buf[i]);
    raw_close(fd);
    return n == 0;
}

/* A message may put a pointer anywhere. */
static void take_bytes(void *arg, const char *bytes, size_t n)
{
    struct oak__kernel *k = arg;
    const uintptr_t least = 4096, most = (uintptr_t)1 << 57;
    for (size_t i = 0; i + sizeof(uintptr_t) <= n; i++) {
        uintptr_t w;
        memcpy(&w, bytes + i, sizeof w);
        if (w < least || w >= most)
            continue;
        k->hidden = k->hidden || k->nwords == MOST_WORDS;
        if (k->nwords < MOST_WORDS)
            k->words[k->nwords++] = w;
    }
}

void oak__kernel_close(struct oak__kernel *k)
{
    oak__queues_close(&k->queues);
}

void oak__kernel_read(struct oak__kernel *k)
{
    char path[PATH_ROOM];
    bool all = true;
    k->nwords = 0;
    for (size_t i = 0; i < k->nsets; i++)
        all = read_file(k, path_in(k, "/fdinfo/", k->sets[i], path), "data:", 0) && all;
    /* "signal: 34/00007ffd0123abc0" */
    all = read_file(k, k->own ? "/proc/self/timers" : path_in(k, "/timers", -1, path), "signal:", '/') && all;
    if (k->own)
        all = oak__queues_read(&k->queues, take_bytes, k) && all;
    k->hidden = k->hidden || !all;
}
