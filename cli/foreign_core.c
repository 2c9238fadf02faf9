/*
 * A core file: what the kernel wrote of a process's memory, and its threads' registers. What it left out and the program
 * could only read is the files' own. What it left out and the program could write to was never written, or is kept out
 * (MADV_DONTDUMP, coredump_filter); that cannot be told apart, so unless it is the runtime's own memory nothing is proven
 * then (foreign.refused).
 *
 * The kernel mentions every mapping, also one that it leaves out. A debugger (gcore) says nothing of what it leaves out, so
 * from its files nothing is proven either; they have a section table, the kernel's have none.
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
enum { MACHINE = EM_X86_64, RED_ZONE = 128 };
    #define SP_OF(regs) ((regs).rsp)
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64, RED_ZONE = 0 };
    #define SP_OF(regs) ((regs).sp)
#endif

struct core {
    struct foreign *f;
    const char *name;
    int fd;
    const char *at; /* the file */
    uint64_t size;
};

static int bad(const struct core *c, const char *what)
{
    complain("leaks: %s: %s", c->name, what);
    return EXIT_TROUBLE;
}

static bool within(const struct core *c, uint64_t offset, uint64_t size)
{
    return offset <= c->size && size <= c->size - offset;
}

static int check_header(const struct core *c)
{
    const Elf64_Ehdr *e = (const void *)c->at;
    if (c->size < sizeof *e || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0)
        return bad(c, "this is no core file");
    if (e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_machine != MACHINE)
        return bad(c, "this core file is of another kind of machine");
    if (e->e_type != ET_CORE)
        return bad(
            c, "this is no core file, but a program or a library: the core comes first, then the program");
    if (e->e_phnum == PN_XNUM)
        return bad(c, "this core file has more mappings than this tool can read");
    if (e->e_phentsize != sizeof(Elf64_Phdr) ||
        !within(c, e->e_phoff, (uint64_t)e->e_phnum * sizeof(Elf64_Phdr)))
        return bad(c, "this core file is cut off or damaged");
    return 0;
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

static int add_load(struct core *c, const Elf64_Phdr *p)
{
    struct foreign_map m = {.lo = p->p_vaddr, .hi = p->p_vaddr + p->p_memsz};
    if (!within(c, p->p_offset, p->p_filesz))
        return bad(c, "this core file is cut off: the disk was full, or a limit (ulimit -c) was met");
    m.flags = (p->p_flags & PF_R ? OAK__MAP_READ : 0) | (p->p_flags & PF_W ? OAK__MAP_WRITE : 0);
    m.executable = p->p_flags & PF_X;
    m.local = p->p_filesz ? c->at + p->p_offset : NULL;
    if (p->p_filesz < p->p_memsz) {
        const uint64_t from = p->p_vaddr + p->p_filesz;
        if (p->p_flags & PF_W && !foreign_add_refused(c->f, from, p->p_vaddr + p->p_memsz))
            return EXIT_TROUBLE;
        m.hi = p->p_vaddr + (p->p_filesz ? p->p_filesz : p->p_memsz);
    }
    return m.lo >= m.hi || (foreign_add_map(c->f, &m) && add_data(c, p)) ? 0 : EXIT_TROUBLE;
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

/* count, page size, count times (start, end, offset in pages), count names. */
static bool add_files(struct core *c, const char *at, size_t size)
{
    const uint64_t *w = (const uint64_t *)at;
    if (size < 16 || w[0] > size / 24)
        return true;
    const char *name = (const char *)(w + 2 + 3 * w[0]), *end = at + size;
    for (uint64_t i = 0; i < w[0] && name < end; i++) {
        const uint64_t *entry = w + 2 + 3 * i;
        for (size_t k = 0; k < c->f->nmaps; k++) {
            struct foreign_map *m = &c->f->maps[k];
            if (m->lo < entry[0] || m->lo >= entry[1])
                continue;
            m->flags |= OAK__MAP_FILE;
            m->offset = entry[2] * w[1] + (m->lo - entry[0]);
            m->path = m->path ? m->path : strndup(name, (size_t)(end - name));
        }
        name += strnlen(name, (size_t)(end - name)) + 1;
    }
    return true;
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
    case NT_FILE:
        return add_files(c, at, size);
    default:
        return true;
    }
}

static int read_notes(struct core *c, const Elf64_Phdr *p)
{
    uint64_t at = p->p_offset, end = at + p->p_filesz;
    if (!within(c, p->p_offset, p->p_filesz))
        return bad(c, "this core file is cut off");
    while (at + sizeof(Elf64_Nhdr) <= end) {
        const Elf64_Nhdr *n = (const void *)(c->at + at);
        uint64_t desc = at + sizeof *n + round_up(n->n_namesz, 4u);
        if (desc > end || n->n_descsz > end - desc)
            return bad(c, "the notes of this core file are damaged");
        if (!add_note(c, n->n_type, c->at + desc, n->n_descsz))
            return EXIT_TROUBLE;
        at = desc + round_up(n->n_descsz, 4u);
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

static int read_core(struct core *c)
{
    int err = check_header(c);
    if (err)
        return err;
    const Elf64_Ehdr *e = (const void *)c->at;
    const Elf64_Phdr *p = (const void *)(c->at + e->e_phoff);
    c->f->lacks = e->e_shnum != 0;
    for (int i = 0; i < e->e_phnum && !err; i++)
        if (p[i].p_type == PT_LOAD)
            err = add_load(c, &p[i]);
    for (int i = 0; i < e->e_phnum && !err; i++)
        if (p[i].p_type == PT_NOTE)
            err = read_notes(c, &p[i]);
    if (!err && c->f->nthreads == 0)
        err = bad(c, "this core file has no threads");
    if (!err)
        guess_kinds(c->f);
    return err;
}

int foreign_from_core(struct foreign *f, const char *core, const char *program)
{
    struct core c = {.f = f, .name = core};
    f->is_core = true;
    struct stat st;
    if (access(program, R_OK)) {
        complain("leaks: %s: %s", program, strerror(errno));
        return EXIT_TROUBLE;
    }
    c.fd = open(core, O_RDONLY | O_CLOEXEC);
    if (c.fd < 0 || fstat(c.fd, &st))
        return bad(&c, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return bad(&c, "this is no core file");
    c.size = (uint64_t)st.st_size;
    void *at = mmap(NULL, c.size, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, c.fd, 0);
    if (at == MAP_FAILED)
        return bad(&c, strerror(errno));
    c.at = at;
    int err = read_core(&c);
    close(c.fd);
    return err;
}
