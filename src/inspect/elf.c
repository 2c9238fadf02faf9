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

static void unmap_file(const struct image *im)
{
    munmap((void *)(uintptr_t)im->base, im->size);
}

/* NULL: not an ELF file of this kind. */
static const Elf64_Ehdr *header(const struct image *im)
{
    const Elf64_Ehdr *eh = (const void *)im->base;
    bool right = memcmp(eh->e_ident, ELFMAG, SELFMAG) == 0 && eh->e_ident[EI_CLASS] == ELFCLASS64;
    return right ? eh : NULL;
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

/*
 * Which code is the runtime's own, when only names are known: every name that it gives to the linker starts
 * with oak_, and each of its objects has some. A static function between two such names is its own; between
 * its code and the program's lie names of the program that are not static.
 */
struct neighbours {
    const Elf64_Sym *below, *above;
};

static bool is_ours(const char *name)
{
    return strncmp(name, "oak_", 4) == 0;
}

static void note_neighbour(struct neighbours *nb, const Elf64_Sym *s, const char *name, uint64_t address)
{
    if (ELF64_ST_BIND(s->st_info) == STB_LOCAL && !is_ours(name))
        return;
    if (s->st_value <= address && (!nb->below || s->st_value > nb->below->st_value))
        nb->below = s;
    if (s->st_value > address && (!nb->above || s->st_value < nb->above->st_value))
        nb->above = s;
}

/* A better answer than *best: it contains the address, or is the nearest below it of those without a size. */
static bool better(const Elf64_Sym *s, uint64_t address, const Elf64_Sym *best)
{
    if (s->st_value > address)
        return false;
    if (s->st_size && address - s->st_value >= s->st_size)
        return false;
    return !best || s->st_value > best->st_value;
}

/* A symbol table and its strings. */
struct table {
    const Elf64_Sym *sym;
    uint64_t n;
    const char *names;
    uint64_t size; /* of names, which end with a NUL */
};

static bool get_table(const struct image *im, const Elf64_Shdr *sections, const Elf64_Ehdr *eh,
                      const Elf64_Shdr *at, struct table *t)
{
    if (at->sh_link >= eh->e_shnum)
        return false;
    const Elf64_Shdr *strings = &sections[at->sh_link];
    t->n = at->sh_size / sizeof(Elf64_Sym);
    t->sym = part(im, at->sh_offset, t->n, sizeof *t->sym);
    t->size = strings->sh_size;
    t->names = part(im, strings->sh_offset, t->size, 1);
    return t->sym && t->names && t->size && t->names[t->size - 1] == 0;
}

static const char *name_in(const struct table *t, const Elf64_Sym *s)
{
    return s->st_name < t->size ? t->names + s->st_name : "";
}

static bool is_function(const Elf64_Sym *s)
{
    return ELF64_ST_TYPE(s->st_info) == STT_FUNC && s->st_shndx != SHN_UNDEF;
}

static bool search_table(const struct table *t, uint64_t address, struct oak__symbol *out)
{
    struct neighbours nb = {NULL, NULL};
    const Elf64_Sym *best = NULL;
    for (uint64_t i = 0; i < t->n; i++) {
        const Elf64_Sym *s = &t->sym[i];
        if (!is_function(s))
            continue;
        note_neighbour(&nb, s, name_in(t, s), address);
        if (better(s, address, best))
            best = s;
    }
    if (!best)
        return false;
    oak__symbol_copy(out->function, sizeof out->function, name_in(t, best));
    out->offset = address - best->st_value;
    out->runtime = nb.below && is_ours(name_in(t, nb.below)) &&
                   (is_ours(out->function) || (nb.above && is_ours(name_in(t, nb.above))));
    return true;
}

static bool search_variable(const struct table *t, uint64_t address, struct oak__symbol *out)
{
    for (uint64_t i = 0; i < t->n; i++) {
        const Elf64_Sym *s = &t->sym[i];
        if (ELF64_ST_TYPE(s->st_info) != STT_OBJECT || s->st_shndx == SHN_UNDEF || address < s->st_value ||
            address - s->st_value >= s->st_size)
            continue;
        oak__symbol_copy(out->function, sizeof out->function, name_in(t, s));
        out->offset = address - s->st_value;
        return true;
    }
    return false;
}

typedef bool search_fn(const struct table *t, uint64_t address, struct oak__symbol *out);

static bool search(const struct image *im, const Elf64_Ehdr *eh, search_fn *in_table, uint64_t address,
                   struct oak__symbol *out)
{
    struct table t;
    const Elf64_Shdr *sections = part(im, eh->e_shoff, eh->e_shnum, sizeof *sections);
    /* The full table first; a stripped library has only the names that it exports. */
    for (int pass = 0; sections && pass < 2; pass++)
        for (int i = 0; i < eh->e_shnum; i++)
            if (sections[i].sh_type == (pass == 0 ? SHT_SYMTAB : SHT_DYNSYM) &&
                get_table(im, sections, eh, &sections[i], &t) && in_table(&t, address, out))
                return true;
    return false;
}

static bool search_file(const char *path, search_fn *in_table, uint64_t address, struct oak__symbol *out)
{
    struct image im;
    if (!map_file(path, &im))
        return false;
    const Elf64_Ehdr *eh = header(&im);
    bool found = eh && search(&im, eh, in_table, address, out);
    unmap_file(&im);
    return found;
}

bool oak__elf_function(const char *path, uint64_t address, struct oak__symbol *out)
{
    return search_file(path, search_table, address, out);
}

bool oak__elf_variable(const char *path, uint64_t address, struct oak__symbol *out)
{
    return search_file(path, search_variable, address, out);
}

bool oak__elf_address(const char *path, uint64_t offset, uint64_t *address)
{
    struct image im;
    if (!map_file(path, &im))
        return false;
    const Elf64_Ehdr *eh = header(&im);
    bool found = eh && address_of_offset(&im, eh, offset, address);
    unmap_file(&im);
    return found;
}
