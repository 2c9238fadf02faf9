#include "inspect/symbol.h"

#include "inspect/maps.h"

#include <stdio.h>
#include <string.h>

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

void oak__symbol_plain(const void *pc, enum oak__pc_kind kind, struct oak__symbol *out)
{
    struct oak__map map;
    const void *at = looked_up(pc, kind);
    memset(out, 0, sizeof *out);
    if (!oak__maps_find(at, &map) || !map.path[0])
        return;
    oak__symbol_copy(out->module, sizeof out->module, oak__base_name(map.path));
    out->offset = (uintptr_t)at - map.lo + map.offset;
    if (map.path[0] == '/')
        oak__elf_function(map.path, out->offset, out);
    out->runtime = strncmp(out->function, "oak_", 4) == 0;
}

int oak__symbols_at(const void *pc, enum oak__pc_kind kind, struct oak__symbol *out, int max)
{
    int n = oak__dwarf_lookup(looked_up(pc, kind), out, max);
    if (n > 0)
        return n;
    oak__symbol_plain(pc, kind, out);
    return 1;
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
