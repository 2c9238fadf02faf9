#include "elf_id.h"

#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Nobody promises where notes are; linkers put them first. */
enum { HEAD = 65536 };

static size_t padded(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

static void search_notes(const char *at, size_t size, struct elf_id *out)
{
    Elf64_Nhdr n;
    for (size_t i = 0; size - i >= sizeof n;) {
        memcpy(&n, at + i, sizeof n);
        const size_t name = i + sizeof n, desc = name + padded(n.n_namesz);
        if (desc < name || desc > size || n.n_descsz > size - desc)
            return;
        if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && memcmp(at + name, "GNU", 4) == 0 &&
            n.n_descsz <= sizeof out->byte) {
            memcpy(out->byte, at + desc, n.n_descsz);
            out->n = n.n_descsz;
            return;
        }
        i = desc + padded(n.n_descsz);
        if (i > size)
            return;
    }
}

bool elf_id_of(const void *at, size_t size, struct elf_id *out)
{
    Elf64_Ehdr e;
    Elf64_Phdr p;
    out->n = 0;
    if (size < sizeof e)
        return false;
    memcpy(&e, at, sizeof e);
    if (memcmp(e.e_ident, ELFMAG, SELFMAG) != 0)
        return false;
    if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_phentsize != sizeof p)
        return true;
    for (unsigned i = 0; i < e.e_phnum && !out->n; i++) {
        if (e.e_phoff > size || size - e.e_phoff < (i + 1) * sizeof p)
            break;
        memcpy(&p, (const char *)at + e.e_phoff + i * sizeof p, sizeof p);
        if (p.p_type == PT_NOTE && p.p_offset <= size && p.p_filesz <= size - p.p_offset)
            search_notes((const char *)at + p.p_offset, p.p_filesz, out);
    }
    return true;
}

bool elf_id_of_file(int fd, struct elf_id *out)
{
    static _Alignas(8) char head[HEAD];
    ssize_t n = pread(fd, head, sizeof head, 0);
    out->n = 0;
    return n > 0 && elf_id_of(head, (size_t)n, out);
}

const char *elf_id_text(const struct elf_id *id, char buf[20])
{
    snprintf(buf, 20, "none");
    for (size_t i = 0; i < id->n && i < 8; i++)
        snprintf(buf + 2 * i, 20 - 2 * i, "%02x", id->byte[i]);
    return buf;
}

bool elf_id_differ(const struct elf_id *a, const struct elf_id *b)
{
    return a->n && b->n && (a->n != b->n || memcmp(a->byte, b->byte, a->n) != 0);
}
