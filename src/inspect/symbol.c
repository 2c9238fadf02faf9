#include "inspect/symbol.h"

#include "inspect/maps.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Since glibc 2.35; other C libraries have none. */
#ifdef DLFO_STRUCT_HAS_EH_DBASE
extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));
#endif

bool oak__symbol_foreign;

const char *oak__base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void oak__symbol_copy(char *to, size_t size, const char *from)
{
    size_t n = from ? strnlen(from, size - 1) : 0;
    if (n)
        memcpy(to, from, n);
    to[n] = 0;
}

static const void *looked_up(const void *pc, enum oak__pc_kind kind)
{
    return kind == OAK__PC_RETURN && pc ? (const char *)pc - 1 : pc;
}

/* What compilers append to the names of functions that they have made variants of. */
void oak__symbol_tidy(char *function)
{
    static const char *const variants[] = {".constprop", ".isra", ".part", ".cold", ".lto_priv"};
    for (size_t i = 0; i < countof(variants); i++) {
        char *at = strstr(function, variants[i]);
        if (at && at > function)
            *at = 0;
    }
}

/* The module and what its symbol table says, by way of the loader: free of locks, and quicker than reading
 * mappings. */
static bool ask_loader(const void *at,
                       bool (*table)(const char *path, uint64_t address, struct oak__symbol *out),
                       struct oak__symbol *out)
{
#ifdef DLFO_STRUCT_HAS_EH_DBASE
    struct dl_find_object object;
    if (!_dl_find_object || _dl_find_object((void *)(uintptr_t)at, &object) != 0)
        return false;
    const char *path = object.dlfo_link_map->l_name;
    bool main_program = !path || !path[0];
    char own[256];
    const char *program = "/proc/self/exe";
    ssize_t n = main_program ? readlink(program, own, sizeof own - 1) : 0;
    if (n < 0) { /* the first thread has ended */
        program = "/proc/thread-self/exe";
        n = readlink(program, own, sizeof own - 1);
    }
    if (n < 0)
        return false;
    own[n] = 0;
    oak__symbol_copy(out->module, sizeof out->module, oak__base_name(main_program ? own : path));
    out->offset = (uintptr_t)at - object.dlfo_link_map->l_addr;
    table(main_program ? program : path, out->offset, out);
    return true;
#else
    (void)at, (void)table, (void)out;
    return false;
#endif
}

/* Code that the loader does not know (an old C library, the kernel's page). */
static void ask_mappings(const void *at, struct oak__symbol *out)
{
    struct oak__map map;
    if (!oak__maps_find(at, &map) || !map.path[0])
        return;
    oak__symbol_copy(out->module, sizeof out->module, oak__base_name(map.path));
    out->offset = (uintptr_t)at - map.lo + map.offset;
    uint64_t address;
    if (map.path[0] == '/' && oak__elf_address(map.path, out->offset, &address)) {
        out->offset = address;
        oak__elf_function(map.path, address, out);
    }
}

void oak__symbol_plain(const void *pc, enum oak__pc_kind kind, struct oak__symbol *out)
{
    const void *at = looked_up(pc, kind);
    memset(out, 0, sizeof *out);
    if (oak__symbol_foreign)
        return;
    if (!ask_loader(at, oak__elf_function, out))
        ask_mappings(at, out);
    oak__symbol_tidy(out->function);
    if (strncmp(out->module, "liboakum.so", 11) == 0)
        out->runtime = true;
}

int oak__symbols_at(const void *pc, enum oak__pc_kind kind, struct oak__symbol *out, int max)
{
    int n = oak__dwarf_lookup(looked_up(pc, kind), out, max);
    if (n > 0)
        return n;
    oak__symbol_plain(pc, kind, out);
    return 1;
}

/* Static variables of functions are called name.number by gcc and function.name by clang, which numbers those that it has
 * taken apart. */
static void tidy_variable(char *name)
{
    char *dot = strchr(name, '.');
    if (dot && dot > name && strspn(dot, "0123456789.") != strlen(dot)) {
        memmove(name, dot + 1, strlen(dot + 1) + 1);
        dot = strchr(name, '.');
    }
    if (dot && dot > name)
        *dot = 0;
}

bool oak__symbol_data(const void *at, struct oak__symbol *out)
{
    memset(out, 0, sizeof *out);
    bool found = oak__dwarf_data(at, out) ||
                 (!oak__symbol_foreign && ask_loader(at, oak__elf_variable, out) && out->function[0]);
    if (found)
        tidy_variable(out->function);
    return found;
}

int oak__symbol_text(const struct oak__symbol *s, const void *pc, char *buf, size_t size)
{
    if (s->function[0] && s->line)
        return snprintf(buf, size, "%s (%s:%d)", s->function, oak__base_name(s->file), s->line);
    if (s->function[0])
        return snprintf(buf, size, "%s+0x%llx (%s)", s->function, (unsigned long long)s->offset, s->module);
    if (s->module[0])
        return snprintf(buf, size, "%s+0x%llx", s->module, (unsigned long long)s->offset);
    return snprintf(buf, size, "%p", pc);
}
