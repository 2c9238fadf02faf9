/*
 * The files behind a foreign process's mappings.
 *
 * A process may see other files than this tool does: it runs in a container, or its program was built anew meanwhile. So a
 * live one's are opened by way of /proc, where the kernel still has the very files; a core file's are looked up by name, and
 * taken only when they were linked from the same.
 */
#include "foreign.h"
#include "command.h"
#include "elf_id.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DELETED " (deleted)"

/* ---- a live process ---- */

static bool is_deleted(const char *path)
{
    size_t n = strlen(path), d = strlen(DELETED);
    return n > d && strcmp(path + n - d, DELETED) == 0;
}

static int open_regular(const char *path, uint64_t inode)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode) || (inode && st.st_ino != inode))) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The program itself: the kernel has it, whatever became of its name. */
static int open_exe(const struct foreign *f, const struct foreign_map *m)
{
    char name[64], target[4096];
    snprintf(name, sizeof name, "/proc/%d/exe", (int)f->via);
    ssize_t n = readlink(name, target, sizeof target - 1);
    if (n <= 0)
        return -1;
    target[n] = 0;
    return strcmp(target, m->path) == 0 ? open_regular(name, 0) : -1;
}

static int open_of_process(const struct foreign *f, const struct foreign_map *m)
{
    char name[4096 + 64];
    int fd = open_exe(f, m);
    if (fd >= 0)
        return fd;
    /* For root only. */
    snprintf(name, sizeof name, "/proc/%d/map_files/%lx-%lx", (int)f->via, (unsigned long)m->lo,
             (unsigned long)m->hi);
    if ((fd = open_regular(name, 0)) >= 0 || is_deleted(m->path))
        return fd;
    /* The path is as seen from here, or from there. */
    if ((fd = open_regular(m->path, m->inode)) >= 0)
        return fd;
    snprintf(name, sizeof name, "/proc/%d/root%s", (int)f->via, m->path);
    fd = open_regular(name, m->inode);
    /* Some file systems number the same file in two ways. */
    return fd >= 0 ? fd : open_regular(name, 0);
}

/* ---- a core file ---- */

/* The kernel writes the first page of each ELF file that was mapped. */
static void id_in_memory(const struct foreign *f, const char *path, struct elf_id *out)
{
    out->n = 0;
    for (size_t i = 0; i < f->nmaps; i++) {
        const struct foreign_map *m = &f->maps[i];
        if (m->path && m->offset == 0 && m->local && strcmp(m->path, path) == 0) {
            elf_id_of(m->local, m->hi - m->lo, out);
            return;
        }
    }
}

static int open_of_core(const struct foreign *f, const struct foreign_map *m)
{
    struct elf_id then, now;
    bool is_exe = f->exe && f->program && strcmp(m->path, f->exe) == 0;
    int fd = open_regular(is_exe ? f->program : m->path, 0);
    if (fd < 0)
        return -1;
    id_in_memory(f, m->path, &then);
    if (elf_id_of_file(fd, &now) && !elf_id_differ(&then, &now))
        return fd;
    close(fd);
    return -1;
}

int foreign_check_program(struct foreign *f)
{
    struct elf_id then, now;
    char a[20], b[20], where[512];
    int fd = open(f->program, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_elf = fd >= 0 && elf_id_of_file(fd, &now);
    if (fd >= 0)
        close(fd);
    if (!is_elf)
        return leaks_fail(EXIT_TROUBLE, "this is no program", f->program,
                          "PROGRAM is the file that was run when the core file was left");
    if (!f->exe)
        return 0;
    id_in_memory(f, f->exe, &then);
    if (!elf_id_differ(&then, &now))
        return 0;
    snprintf(where, sizeof where, "%s (build id %s, the core file's %s)", f->program, elf_id_text(&now, b),
             elf_id_text(&then, a));
    return leaks_fail(EXIT_TROUBLE, "this is not the program that left the core file, or it was built anew",
                      where,
                      "name the very file that ran; its build id is as 'file' or 'readelf -n' shows it");
}

/* ---- both ---- */

int foreign_open_file(struct foreign *f, const struct foreign_map *m)
{
    int fd = !m->path ? -1 : f->core ? open_of_core(f, m) : open_of_process(f, m);
    f->other_files = f->other_files || (m->path && m->executable && fd < 0);
    return fd;
}

/* The mapping of a module is known by its path; the program of a core file goes by the name that the user gave. */
int foreign_open_module(void *source, const char *path, uint64_t base)
{
    struct foreign *f = source;
    struct foreign_map *m = foreign_map_of(f, base);
    if (f->program && strcmp(path, f->program) == 0)
        return open_regular(path, 0);
    if (m && m->path && strcmp(m->path, path) == 0)
        return foreign_open_file(f, m);
    for (size_t i = 0; i < f->nmaps; i++)
        if (f->maps[i].path && strcmp(f->maps[i].path, path) == 0)
            return foreign_open_file(f, &f->maps[i]);
    return -1;
}

static void map_text(struct foreign *f, struct foreign_map *m)
{
    struct stat st;
    const size_t size = m->hi - m->lo;
    int fd = foreign_open_file(f, m);
    void *at = MAP_FAILED;
    m->no_text = true;
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && (uint64_t)st.st_size > m->offset)
        at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, (off_t)m->offset);
    close(fd);
    if (at == MAP_FAILED)
        return;
    const uint64_t left = (uint64_t)st.st_size - m->offset;
    m->text = at;
    m->ntext = left < size ? left : size;
    m->no_text = false;
}

const char *foreign_text(struct foreign *f, uintptr_t a, char *buf, size_t size)
{
    struct foreign_map *m = a ? foreign_map_of(f, a) : NULL;
    if (!m)
        return NULL;
    const size_t at = a - m->lo, i = foreign_present_from(f, a);
    size_t most = m->hi - a < size - 1 ? m->hi - a : size - 1;
    const char *from = NULL;
    if (i < f->npresent && f->present[i].lo <= a)
        from = oak__image_at(&f->img, a, most);
    else if (m->path && !m->text && !m->no_text)
        map_text(f, m);
    if (!from && m->text && at < m->ntext) {
        most = m->ntext - at < most ? m->ntext - at : most;
        from = m->text + at;
    }
    if (!from)
        return NULL;
    memcpy(buf, from, most);
    buf[most] = 0;
    return buf;
}
