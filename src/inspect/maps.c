#include "inspect/maps.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct reader {
    int fd;
    size_t pos, end;
    char buf[1024];
};

static int next_char(struct reader *r)
{
    if (r->pos == r->end) {
        ssize_t n;
        do
            n = read(r->fd, r->buf, sizeof r->buf);
        while (n < 0 && errno == EINTR);
        if (n <= 0)
            return -1;
        r->pos = 0;
        r->end = (size_t)n;
    }
    return (unsigned char)r->buf[r->pos++];
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A hexadecimal number and the character after it. */
static uint64_t read_hex(struct reader *r, int *after)
{
    uint64_t v = 0;
    int c, digit;
    while ((digit = hex_digit(c = next_char(r))) >= 0)
        v = v << 4 | (uint64_t)digit;
    *after = c;
    return v;
}

static int skip_word(struct reader *r)
{
    int c;
    do
        c = next_char(r);
    while (c != ' ' && c != '\n' && c >= 0);
    return c;
}

/* One line: "lo-hi rwxp offset dev inode      path". False at the end. */
static bool read_line(struct reader *r, struct oak__map *m)
{
    int c;
    m->lo = (uintptr_t)read_hex(r, &c);
    if (c != '-')
        return false;
    m->hi = (uintptr_t)read_hex(r, &c);
    m->readable = next_char(r) == 'r';
    m->writable = next_char(r) == 'w';
    m->executable = next_char(r) == 'x';
    m->shared = next_char(r) == 's';
    skip_word(r);
    m->offset = read_hex(r, &c);
    skip_word(r); /* device */
    c = skip_word(r);
    while (c == ' ')
        c = next_char(r);
    size_t n = 0;
    for (; c != '\n' && c >= 0; c = next_char(r))
        if (n < sizeof m->path - 1)
            m->path[n++] = (char)c;
    m->path[n] = 0;
    return true;
}

/* False: there are none in that file. */
static bool each_in(struct reader *r, bool (*fn)(const struct oak__map *m, void *arg), void *arg)
{
    struct oak__map m;
    bool any = false;
    while (read_line(r, &m)) {
        any = true;
        if (!fn(&m, arg))
            break;
    }
    close(r->fd);
    return any;
}

int oak__maps_each(bool (*fn)(const struct oak__map *m, void *arg), void *arg)
{
    struct reader r = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    if (r.fd < 0)
        return -errno;
    if (each_in(&r, fn, arg))
        return 0;
    /* It is of the first thread, and empty when that has ended. */
    r = (struct reader){.fd = open("/proc/thread-self/maps", O_RDONLY | O_CLOEXEC)};
    if (r.fd < 0)
        return -errno;
    each_in(&r, fn, arg);
    return 0;
}

struct search {
    uintptr_t address;
    struct oak__map *out;
    bool found;
};

static bool contains(const struct oak__map *m, void *arg)
{
    struct search *s = arg;
    if (s->address < m->hi) {
        s->found = s->address >= m->lo;
        if (s->found)
            *s->out = *m;
        return false;
    }
    return true;
}

bool oak__maps_find(const void *p, struct oak__map *out)
{
    struct search s = {.address = (uintptr_t)p, .out = out};
    return oak__maps_each(contains, &s) == 0 && s.found;
}
