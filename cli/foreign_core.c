/*
 * A core file: what the kernel wrote of a process's memory, and its threads' registers. What it left out and the program
 * could only read is the files' own. What it left out and the program could write to was never written, or is kept out
 * (MADV_DONTDUMP, coredump_filter); that cannot be told apart, so unless it is the runtime's own memory nothing is proven
 * then (foreign.refused).
 *
 * The kernel mentions every mapping, also one that it leaves out. A debugger (gcore) says nothing of what it leaves out, so
 * from its files nothing is proven either; they have a section table, the kernel's have none (one entry, where there are more
 * mappings than the header can count).
 */
#include "foreign.h"
#include "command.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64, RED_ZONE = 128, MIN_PAGE = 4096 };
    #define SP_OF(regs) ((regs).rsp)
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64, RED_ZONE = 0, MIN_PAGE = 4096 };
    #define SP_OF(regs) ((regs).sp)
#endif

struct core {
    struct foreign *f;
    int fd;
    const char *at; /* the file */
    uint64_t size;
    uint64_t phdrs; /* address of the program's own headers; 0: not known */
};

static int bad(const struct core *c, const char *what, const char *todo)
{
    return leaks_fail(EXIT_TROUBLE, what, c->f->name, todo);
}

static int damaged(const struct core *c)
{
    return bad(c, "this core file is damaged", "take another copy of it");
}

static int cut_off(const struct core *c)
{
    return bad(
        c, "this core file is cut off",
        "see whether the disk was full, or a limit was met (ulimit -c unlimited), and let it be left anew");
}

static bool within(const struct core *c, uint64_t offset, uint64_t size)
{
    return offset <= c->size && size <= c->size - offset;
}

static const char *compressed_by(const struct core *c)
{
    static const struct {
        const char *magic, *name;
    } known[] = {{"\x28\xb5\x2f\xfd", "it is compressed: unpack it with zstd -d"},
                 {"\x1f\x8b", "it is compressed: unpack it with gunzip"},
                 {"\xfd"
                  "7zXZ",
                  "it is compressed: unpack it with xz -d"},
                 {"\x04\x22\x4d\x18", "it is compressed: unpack it with lz4 -d"},
                 {"BZh", "it is compressed: unpack it with bunzip2"}};
    for (size_t i = 0; i < countof(known); i++)
        if (c->size > 8 && memcmp(c->at, known[i].magic, strlen(known[i].magic)) == 0)
            return known[i].name;
    return NULL;
}

/* More mappings than the header can count: the number is in the first section. */
static uint64_t headers(const struct core *c, const Elf64_Ehdr *e)
{
    Elf64_Shdr first;
    if (e->e_phnum != PN_XNUM)
        return e->e_phnum;
    if (!e->e_shoff || !within(c, e->e_shoff, sizeof first))
        return 0;
    memcpy(&first, c->at + e->e_shoff, sizeof first);
    return first.sh_info;
}

static int check_header(const struct core *c, const Elf64_Ehdr *e)
{
    const char *packed = compressed_by(c);
    if (packed)
        return bad(c, "this is no core file", packed);
    if (c->size < sizeof *e || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0)
        return bad(c, "this is no core file", "name a file that the kernel left of a process (core(5))");
    if (e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_machine != MACHINE)
        return bad(c, "this core file is of another kind of machine", "look at it there");
    if (e->e_type != ET_CORE)
        return bad(c, "this is no core file, but a program or a library",
                   "the core comes first, then the program");
    if (e->e_phentsize != sizeof(Elf64_Phdr))
        return damaged(c);
    const uint64_t n = headers(c, e);
    return n && within(c, e->e_phoff, n * sizeof(Elf64_Phdr)) ? 0 : cut_off(c);
}

/* The parts of [offset, offset + size) that are not holes are what the process had there. */
static bool add_data(struct core *c, const Elf64_Phdr *p)
{
    off_t at = (off_t)p->p_offset, end = at + (off_t)p->p_filesz;
    while (at < end) {
        off_t data = lseek(c->fd, at, SEEK_DATA);
        if (data < 0 || data >= end)
            return true;
        off_t hole = lseek(c->fd, data, SEEK_HOLE);
        hole = hole < 0 || hole > end ? end : hole;
        if (!foreign_add_present(c->f, p->p_vaddr + (uint64_t)(data - (off_t)p->p_offset),
                                 p->p_vaddr + (uint64_t)(hole - (off_t)p->p_offset)))
            return false;
        at = hole;
    }
    return true;
}

/* The part of it that is in the file, and the part that is not. */
static int add_load(struct core *c, const Elf64_Phdr *p)
{
    const uint64_t end = p->p_vaddr + p->p_memsz, there = p->p_vaddr + p->p_filesz;
    struct foreign_map m = {.lo = p->p_vaddr, .hi = there, .executable = p->p_flags & PF_X};
    if (end < p->p_vaddr || p->p_filesz > p->p_memsz || (p->p_vaddr | p->p_memsz) % MIN_PAGE)
        return damaged(c);
    if (!within(c, p->p_offset, p->p_filesz))
        return cut_off(c);
    m.flags = (p->p_flags & PF_R ? OAK__MAP_READ : 0) | (p->p_flags & PF_W ? OAK__MAP_WRITE : 0);
    if (p->p_filesz) {
        m.local = c->at + p->p_offset;
        if (!foreign_add_map(c->f, &m) || !add_data(c, p))
            return foreign_no_memory(c->f);
    }
    if (there == end)
        return 0;
    m.lo = there;
    m.hi = end;
    m.local = NULL;
    bool ok = foreign_add_map(c->f, &m) && (!(p->p_flags & PF_W) || foreign_add_refused(c->f, there, end));
    return ok ? 0 : foreign_no_memory(c->f);
}

static int by_address(const void *pa, const void *pb)
{
    const struct foreign_map *a = pa, *b = pb;
    return a->lo < b->lo ? -1 : a->lo > b->lo;
}

/* The kernel writes them in order; nobody else must. */
static int sort_loads(struct core *c)
{
    struct foreign *f = c->f;
    if (!f->nmaps)
        return bad(c, "this core file has no memory", "let it be left anew (coredump_filter, core(5))");
    qsort(f->maps, f->nmaps, sizeof *f->maps, by_address);
    foreign_sort_present(f);
    for (size_t i = 1; i < f->nmaps; i++)
        if (f->maps[i].lo < f->maps[i - 1].hi)
            return damaged(c);
    return 0;
}

/* ---- notes ---- */

static bool add_thread(struct core *c, const void *at, size_t size)
{
    struct elf_prstatus s;
    struct user_regs_struct regs;
    if (size < sizeof s)
        return true;
    memcpy(&s, at, sizeof s);
    memcpy(&regs, &s.pr_reg, sizeof regs);
    return foreign_add_thread(c->f, s.pr_pid, SP_OF(regs) - RED_ZONE) &&
           foreign_add_registers(c->f, &s.pr_reg, sizeof s.pr_reg);
}

static uint64_t word_of(const char *at, uint64_t i)
{
    uint64_t w;
    memcpy(&w, at + i * sizeof w, sizeof w);
    return w;
}

static void name_maps(struct foreign *f, uint64_t lo, uint64_t hi, uint64_t offset, const char *name,
                      size_t most)
{
    struct foreign_map *end = f->maps + f->nmaps, *m = f->maps;
    for (size_t n = f->nmaps; n;) { /* the first that begins at lo or later */
        size_t half = n / 2;
        if (m[half].lo < lo) {
            m += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    for (; m < end && m->lo < hi; m++) {
        m->flags |= OAK__MAP_FILE;
        m->offset = offset + (m->lo - lo);
        m->path = m->path ? m->path : strndup(name, most);
    }
}

/* count, page size, count times (start, end, offset in pages), count names. */
static void add_files(struct core *c, const char *at, size_t size)
{
    const uint64_t n = size < 16 ? 0 : word_of(at, 0);
    if (!n || n > (size - 16) / 24)
        return;
    const char *name = at + 16 + 24 * n, *end = at + size;
    for (uint64_t i = 0; i < n && name < end; i++) {
        const uint64_t e = 2 + 3 * i;
        name_maps(c->f, word_of(at, e), word_of(at, e + 1), word_of(at, e + 2) * word_of(at, 1), name,
                  (size_t)(end - name));
        name += strnlen(name, (size_t)(end - name)) + 1;
    }
}

static void add_auxv(struct core *c, const char *at, size_t size)
{
    for (uint64_t i = 0; (i + 2) * 8 <= size; i += 2)
        if (word_of(at, i) == AT_PHDR)
            c->phdrs = word_of(at, i + 1);
}

static bool add_note(struct core *c, uint32_t type, const char *at, size_t size)
{
    switch (type) {
    case NT_PRSTATUS:
        return add_thread(c, at, size);
    case NT_PRPSINFO: {
        struct elf_prpsinfo info;
        if (size >= sizeof info) {
            memcpy(&info, at, sizeof info);
            c->f->first = info.pr_pid;
        }
        return true;
    }
    case NT_PRFPREG:
    case NT_X86_XSTATE:
        return c->f->nthreads == 0 || foreign_add_registers(c->f, at, size);
    case NT_AUXV:
        add_auxv(c, at, size);
        return true;
    case NT_FILE:
        add_files(c, at, size);
        return true;
    default:
        return true;
    }
}

static int read_notes(struct core *c, const Elf64_Phdr *p)
{
    uint64_t at = p->p_offset, end = at + p->p_filesz;
    Elf64_Nhdr n;
    if (!within(c, p->p_offset, p->p_filesz))
        return cut_off(c);
    while (at + sizeof n <= end) {
        memcpy(&n, c->at + at, sizeof n);
        uint64_t desc = at + sizeof n + round_up((uint64_t)n.n_namesz, (uint64_t)4);
        if (desc > end || n.n_descsz > end - desc)
            return damaged(c);
        if (!add_note(c, n.n_type, c->at + desc, n.n_descsz))
            return foreign_no_memory(c->f);
        at = desc + round_up((uint64_t)n.n_descsz, (uint64_t)4);
    }
    return 0;
}

/* ---- what the kernel does not say ---- */

/* The first thread's stack, and memory that may be the program break's. */
static void guess_kinds(struct foreign *f)
{
    uintptr_t sp = 0;
    for (size_t i = 0; i < f->nthreads; i++)
        if (f->threads[i].tid == f->first)
            sp = f->threads[i].sp;
    for (size_t i = 0; i < f->nmaps; i++) {
        struct foreign_map *m = &f->maps[i];
        if (m->flags & OAK__MAP_FILE || !(m->flags & OAK__MAP_WRITE))
            continue;
        if (sp >= m->lo && sp < m->hi)
            m->flags |= OAK__MAP_STACK;
        else
            m->flags |= OAK__MAP_BRK;
    }
}

static void find_exe(struct core *c)
{
    const struct foreign_map *m = c->phdrs ? foreign_map_of(c->f, c->phdrs) : NULL;
    c->f->exe = m ? m->path : NULL;
}

static int each_header(struct core *c, const Elf64_Ehdr *e, uint32_t type,
                       int (*fn)(struct core *c, const Elf64_Phdr *p))
{
    const uint64_t n = headers(c, e);
    int err = 0;
    for (uint64_t i = 0; i < n && !err; i++) {
        Elf64_Phdr p;
        memcpy(&p, c->at + e->e_phoff + i * sizeof p, sizeof p);
        err = p.p_type == type ? fn(c, &p) : 0;
    }
    return err;
}

static int read_core(struct core *c)
{
    Elf64_Ehdr e = {0};
    memcpy(&e, c->at, c->size < sizeof e ? c->size : sizeof e);
    int err = check_header(c, &e);
    if (err)
        return err;
    c->f->lacks = e.e_shnum > (e.e_phnum == PN_XNUM ? 1 : 0);
    err = each_header(c, &e, PT_LOAD, add_load);
    if (!err)
        err = sort_loads(c);
    if (!err)
        err = each_header(c, &e, PT_NOTE, read_notes);
    if (!err && c->f->nthreads == 0)
        err = bad(c, "this core file has no threads", "take another copy of it");
    if (!err) {
        find_exe(c);
        guess_kinds(c->f);
    }
    return err;
}

int foreign_from_core(struct foreign *f, const char *core, const char *program)
{
    struct core c = {.f = f};
    struct stat st;
    f->core = core;
    f->program = program;
    snprintf(f->name, sizeof f->name, "%s", core);
    if (access(program, R_OK))
        return leaks_fail(EXIT_TROUBLE, strerror(errno), program, "name the program that left the core file");
    c.fd = open(core, O_RDONLY | O_CLOEXEC);
    if (c.fd < 0 || fstat(c.fd, &st))
        return bad(&c, strerror(errno), "name the core file first, then the program that left it");
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return bad(&c, "this is no core file", "name a file that the kernel left of a process (core(5))");
    c.size = (uint64_t)st.st_size;
    void *at = mmap(NULL, c.size, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, c.fd, 0);
    if (at == MAP_FAILED)
        return bad(&c, strerror(errno), "it is as large as the process was");
    c.at = at;
    int err = read_core(&c);
    close(c.fd);
    return err;
}
