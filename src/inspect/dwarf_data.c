/*
 * Variables, by libdw: a name from the symbol table, file and line from where the debug information declares a variable of
 * that address. All units of the module are gone through for that: milliseconds to a second, when somebody has asked.
 */
#include "inspect/symbol.h"

#if !defined(OAK_HAVE_LIBDW)

bool oak__dwarf_data(const void *at, struct oak__symbol *out)
{
    (void)at, (void)out;
    return false;
}

#else

    #include "inspect/dwarf.h"

    #include <dwarf.h>
    #include <string.h>

enum { DEEPEST = 32, PAGE = 4096, MOST_PAGES = 1 << 16 };

struct search {
    Dwarf_Addr address; /* as the file counts */
    Dwarf_Die *unit;
    struct oak__symbol *out;
    bool found;
};

static bool is_at(Dwarf_Die *die, Dwarf_Addr address)
{
    Dwarf_Attribute attr, indirect;
    Dwarf_Op *op;
    Dwarf_Addr at;
    size_t n;
    if (!oak__dw.dwarf_attr(die, DW_AT_location, &attr) || oak__dw.dwarf_getlocation(&attr, &op, &n) != 0 ||
        n != 1)
        return false;
    /* clang keeps addresses in a table. */
    if (op[0].atom == DW_OP_addrx)
        return oak__dw.dwarf_getlocation_attr(&attr, &op[0], &indirect) == 0 &&
               oak__dw.dwarf_formaddr(&indirect, &at) == 0 && at == address;
    return op[0].atom == DW_OP_addr && op[0].number == address;
}

/* Where it is defined outside of its declaration, name and line stand with that. dwarf_decl_* follow, dwarf_diename too. */
static void note(struct search *s, Dwarf_Die *die)
{
    const char *name = oak__dw.dwarf_diename(die);
    s->found = true;
    if (name)
        oak__symbol_copy(s->out->function, sizeof s->out->function, name);
    /* File 0 of DWARF 5 is the unit's own, which libdw takes for none. */
    const char *file = oak__dw.dwarf_decl_file(die);
    oak__symbol_copy(s->out->file, sizeof s->out->file, file ? file : oak__dw.dwarf_diename(s->unit));
    if (!s->out->file[0] || oak__dw.dwarf_decl_line(die, &s->out->line) != 0)
        s->out->line = 0;
}

/* Functions have static variables, too. */
static void look_in(struct search *s, Dwarf_Die *parent, int depth)
{
    Dwarf_Die die;
    if (depth == DEEPEST || oak__dw.dwarf_child(parent, &die) != 0)
        return;
    do {
        const int tag = oak__dw.dwarf_tag(&die);
        if (tag == DW_TAG_variable && is_at(&die, s->address))
            note(s, &die);
        else if (tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine)
            look_in(s, &die, depth + 1);
    } while (!s->found && oak__dw.dwarf_siblingof(&die, &die) == 0);
}

/* What a program has of zeroed data is mapped behind its file, and libdw does not count it in: the module is the nearest
 * below. Whether it has a variable there is told by its symbols. */
static Dwfl_Module *module_of(Dwfl *dwfl, Dwarf_Addr at)
{
    Dwfl_Module *module = oak__dw.dwfl_addrmodule(dwfl, at);
    for (int i = 0; !module && i < MOST_PAGES && at > PAGE; i++)
        module = oak__dw.dwfl_addrmodule(dwfl, at -= PAGE);
    return module;
}

static bool lookup(Dwfl *dwfl, Dwarf_Addr at, struct oak__symbol *out)
{
    GElf_Off offset = 0;
    GElf_Sym sym;
    Dwarf_Addr bias = 0;
    Dwfl_Module *module = module_of(dwfl, at);
    const char *name =
        module ? oak__dw.dwfl_module_addrinfo(module, at, &offset, &sym, NULL, NULL, NULL) : NULL;
    if (!name || GELF_ST_TYPE(sym.st_info) != STT_OBJECT || offset >= sym.st_size)
        return false;
    oak__symbol_copy(out->function, sizeof out->function, name);
    out->offset = offset;
    name = oak__dw.dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    oak__symbol_copy(out->module, sizeof out->module, oak__base_name(name ? name : ""));
    struct search s = {.out = out};
    for (Dwarf_Die *unit = NULL; !s.found && (unit = oak__dw.dwfl_module_nextcu(module, unit, &bias));) {
        s.address = at - offset - bias;
        s.unit = unit;
        look_in(&s, unit, 0);
    }
    return true;
}

bool oak__dwarf_data(const void *at, struct oak__symbol *out)
{
    Dwfl *dwfl = oak__dwarf_enter();
    bool found = dwfl && lookup(dwfl, (Dwarf_Addr)(uintptr_t)at, out);
    oak__dwarf_leave();
    return found;
}

#endif
