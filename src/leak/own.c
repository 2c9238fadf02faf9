#include "leak/own.h"
#include "base/os.h"
#include "inspect/maps.h"
#include "leak/own_pages.h"
#include "leak/raw.h"

struct filling {
    struct oak__own *own;
    struct oak__scratch *scratch;
    size_t room;
    bool failed;
};

static bool starts_with(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

/* Devices may do something when they are read; memory files are plain memory. */
static bool is_device(const char *path)
{
    return starts_with(path, "/dev/") && !starts_with(path, "/dev/shm/") && !starts_with(path, "/dev/zero") &&
           !starts_with(path, "/dev/hugepages/");
}

static uint32_t flags_of(const struct oak__map *m)
{
    uint32_t f = (m->readable ? OAK__MAP_READ : 0) | (m->writable ? OAK__MAP_WRITE : 0) |
                 (m->shared ? OAK__MAP_SHARED : 0) | (m->executable ? OAK__MAP_CODE : 0);
    if (starts_with(m->path, "[heap]"))
        return f | OAK__MAP_BRK;
    if (starts_with(m->path, "[stack]"))
        return f | OAK__MAP_STACK;
    /* [anon:name] and [anon_shmem:name] are a program's own; all other brackets are the kernel's. */
    if (m->path[0] == '[')
        return f | (starts_with(m->path, "[anon") ? 0 : OAK__MAP_KERNEL);
    if (is_device(m->path))
        return f | OAK__MAP_KERNEL;
    return m->path[0] ? f | OAK__MAP_FILE : f;
}

static bool make_room(struct filling *f)
{
    struct oak__image *img = &f->own->img;
    if (img->nmaps < f->room)
        return true;
    size_t room = f->room ? 2 * f->room : 1024;
    struct oak__mapping *more = oak__scratch_alloc(f->scratch, room, sizeof *more);
    if (!more)
        return false;
    if (img->nmaps)
        memcpy(more, img->maps, img->nmaps * sizeof *more);
    img->maps = more;
    f->room = room;
    return true;
}

static bool add_part(struct filling *f, const struct oak__map *m, uintptr_t lo, uintptr_t hi)
{
    struct oak__image *img = &f->own->img;
    if (lo >= hi)
        return true;
    f->failed = !make_room(f);
    if (!f->failed)
        img->maps[img->nmaps++] =
            (struct oak__mapping){.lo = lo, .hi = hi, .local = (const char *)lo, .flags = flags_of(m)};
    return !f->failed;
}

/* All but the analysis's own memory, which the kernel may have joined with a neighbour. */
static bool add(const struct oak__map *m, void *arg)
{
    struct filling *f = arg;
    struct oak__image *img = &f->own->img;
    img->hidden =
        img->hidden || starts_with(m->path, "anon_inode:[io_uring]") || starts_with(m->path, "/[aio]");
    const uintptr_t lo = (uintptr_t)f->scratch->base, hi = lo + f->scratch->size;
    if (m->hi <= lo || m->lo >= hi)
        return add_part(f, m, m->lo, m->hi);
    return add_part(f, m, m->lo, lo) && add_part(f, m, hi, m->hi);
}

/* An emulator may show the program break's mapping without its name. */
static void find_break(struct oak__image *img)
{
    const uintptr_t end = (uintptr_t)raw(SYS_brk, 0);
    for (size_t i = 0; i < img->nmaps; i++)
        if (img->maps[i].flags & OAK__MAP_BRK)
            return;
    for (size_t i = 0; i < img->nmaps; i++)
        if (end > img->maps[i].lo && end <= img->maps[i].hi)
            img->maps[i].flags |= OAK__MAP_BRK;
}

int oak__own_open(struct oak__own *o, struct oak__scratch *s, bool frozen)
{
    *o = (struct oak__own){.pagemap = -1, .frozen = frozen, .page = oak__os_page_size()};
    struct filling f = {.own = o, .scratch = s};
    int err = oak__maps_each(add, &f);
    if (!err && f.failed)
        err = -ENOMEM;
    if (!err && o->img.nmaps == 0)
        err = -EIO;
    if (err)
        return err;
    find_break(&o->img);
    oak__own_pages_open(o);
    return 0;
}

void oak__own_close(struct oak__own *o)
{
    if (o->pagemap >= 0)
        raw_close(o->pagemap);
    o->pagemap = -1;
}
