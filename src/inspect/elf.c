/*
 * The function that contains an address, from the symbol table of an ELF file: open, map, look, unmap.
 * Allocates nothing and takes no lock, so it works where libdw may not be used.
 */
#include "inspect/symbol.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
    const unsigned char *base;
    uint64_t size;
};

/* n objects of `each` bytes at offset, or NULL when the file is too short for them. */
static const void *part(const struct image *im, uint64_t offset, uint64_t n, uint64_t each)
{
    if (offset > im->size || (each && n > (im->size - offset) / each))
        return NULL;
    return im->base + offset;
}

static bool map_file(const char *path, struct image *im)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    struct stat st;
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= (off_t)sizeof(Elf64_Ehdr);
    void *p = ok ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (p == MAP_FAILED)
        return false;
    *im = (struct image){p, (uint64_t)st.st_size};
    return true;
}

/* Where the file's bytes are meant to be in memory. */
static bool address_of_offset(const struct image *im, const Elf64_Ehdr *eh, uint64_t offset,
                              uint64_t *address)
{
    const Elf64_Phdr *ph = part(im, eh->e_phoff, eh->e_phnum, sizeof *ph);
    for (int i = 0; ph && i < eh->e_phnum; i++)
        if (ph[i].p_type == PT_LOAD && offset >= ph[i].p_offset && offset - ph[i].p_offset < ph[i].p_filesz) {
            *address = offset - ph[i].p_offset + ph[i].p_vaddr;
            return true;
        }
    return false;
}

/* A better answer than *best: it contains the address, or is the nearest below it of those without a size. */
static bool better(const Elf64_Sym *s, uint64_t address, const Elf64_Sym *best)
{
    if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || s->st_shndx == SHN_UNDEF || s->st_value > address)
        return false;
    if (s->st_size && address - s->st_value >= s->st_size)
        return false;
    return !best || s->st_value > best->st_value;
}

static bool search_table(const struct image *im, const Elf64_Shdr *sections, const Elf64_Ehdr *eh,
                         const Elf64_Shdr *table, uint64_t address, struct oak__symbol *out)
{
    uint64_t n = table->sh_size / sizeof(Elf64_Sym);
    const Elf64_Sym *sym = part(im, table->sh_offset, n, sizeof *sym), *best = NULL;
    if (!sym || table->sh_link >= eh->e_shnum)
        return false;
    const Elf64_Shdr *strings = &sections[table->sh_link];
    const char *names = part(im, strings->sh_offset, strings->sh_size, 1);
    for (uint64_t i = 0; i < n; i++)
        if (better(&sym[i], address, best))
            best = &sym[i];
    if (!best || !names || best->st_name >= strings->sh_size)
        return false;
    size_t room = strings->sh_size - best->st_name;
    if (room >= sizeof out->function)
        room = sizeof out->function - 1;
    size_t len = strnlen(names + best->st_name, room);
    memcpy(out->function, names + best->st_name, len);
    out->function[len] = 0;
    out->offset = address - best->st_value;
    return true;
}

static bool search(const struct image *im, uint64_t file_offset, struct oak__symbol *out)
{
    const Elf64_Ehdr *eh = (const void *)im->base;
    uint64_t address;
    if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
        !address_of_offset(im, eh, file_offset, &address))
        return false;
    out->offset = address;
    const Elf64_Shdr *sections = part(im, eh->e_shoff, eh->e_shnum, sizeof *sections);
    /* The full table first; a stripped library has only the names that it exports. */
    for (int pass = 0; sections && pass < 2; pass++)
        for (int i = 0; i < eh->e_shnum; i++)
            if (sections[i].sh_type == (pass == 0 ? SHT_SYMTAB : SHT_DYNSYM) &&
                search_table(im, sections, eh, &sections[i], address, out))
                return true;
    return false;
}

bool oak__elf_function(const char *path, uint64_t file_offset, struct oak__symbol *out)
{
    struct image im;
    if (!map_file(path, &im))
        return false;
    bool found = search(&im, file_offset, out);
    munmap((void *)(uintptr_t)im.base, im.size);
    return found;
}
