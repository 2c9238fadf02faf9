/*
 * libdw, loaded when a report first needs it.
 *
 * liboakum links libc alone, and a service that never prints a report never pays for elfutils. The header
 * gives types and prototypes; the functions come from dlsym under the same names. libdw is not thread-safe
 * for one Dwfl, so a lock covers all of it.
 */
#include "inspect/symbol.h"

#if !defined(OAK_HAVE_LIBDW)

int oak__dwarf_lookup(const void *pc, struct oak__symbol *out, int max)
{
    (void)pc, (void)out, (void)max;
    return 0;
}

bool oak__dwarf_usable_in_clone(void)
{
    return true;
}

void oak__dwarf_books(const void **lo, const void **hi)
{
    *lo = *hi = NULL;
}

bool oak__symbol_target(const struct oak__symbol_target *t)
{
    (void)t;
    oak__symbol_foreign = true;
    return false;
}

#else

    #include "inspect/dwarf.h"

    #include <dlfcn.h>
    #include <dwarf.h>
    #include <fcntl.h>
    #include <pthread.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <unistd.h>

struct oak__libdw oak__dw;

/* dlopen is asked for weakly: in a program that is linked fully static it is then simply absent. */
extern __typeof__(dlopen) dlopen __attribute__((weak));
extern __typeof__(dlsym) dlsym __attribute__((weak));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum { UNTRIED, LOADED, ABSENT } state;
/* What leads to libdw's memory in the heap. */
static struct {
    Dwfl *dwfl;
    struct { /* the unit found last by asking all (unit_of) */
        Dwfl_Module *module;
        Dwarf_Die *unit;
        Dwarf_Addr bias;
    } last;
} libdw;
static Dwfl_Callbacks callbacks;
/* "folder of the build/../src/": compilation units whose path starts so are the runtime's own. */
static char own_root[512];

static bool load_functions(void)
{
    if (!dlopen || !dlsym)
        return false;
    void *lib = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!lib)
        return false;
    #define LOAD(name)                                                                                       \
        *(void **)&oak__dw.name = dlsym(lib, #name);                                                         \
        if (!oak__dw.name)                                                                                   \
            return false;
    LIBDW(LOAD)
    return true;
}

/* Whose addresses are looked up; NULL: this process's. */
static const struct oak__symbol_target *target;

/* The file stays open for as long as the process lives. */
static int report_core(void)
{
    int fd = open(target->core, O_RDONLY | O_CLOEXEC);
    oak__dw.elf_version(EV_CURRENT);
    Elf *elf = fd >= 0 ? oak__dw.elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
    return elf && oak__dw.dwfl_core_file_report(libdw.dwfl, elf, target->program) >= 0 ? 0 : -1;
}

/* (Re)reads which modules are mapped. */
static bool report_modules(void)
{
    libdw.last.module = NULL;
    oak__dw.dwfl_report_begin(libdw.dwfl);
    int err = target && target->core
                  ? report_core()
                  : oak__dw.dwfl_linux_proc_report(libdw.dwfl, target ? target->pid : getpid());
    return oak__dw.dwfl_report_end(libdw.dwfl, NULL, NULL) == 0 && err == 0;
}

/* Folder and name of the compilation unit, joined. Relative parts stay as they are: units of one build agree
 * in them. */
static void unit_path(Dwarf_Die *unit, char *buf, size_t size)
{
    Dwarf_Attribute attr;
    const char *name = oak__dw.dwarf_diename(unit), *dir = NULL;
    if (oak__dw.dwarf_attr(unit, DW_AT_comp_dir, &attr))
        dir = oak__dw.dwarf_formstring(&attr);
    if (!name)
        name = "";
    if (name[0] == '/' || !dir)
        snprintf(buf, size, "%s", name);
    else
        snprintf(buf, size, "%s/%s", dir, name);
}

/*
 * The compilation unit that an address (in the file's terms: less *bias) belongs to. libdw finds it by
 * .debug_aranges, which clang does not write; then all units are asked, the last one that was right first.
 */
static Dwarf_Die *unit_of(Dwfl_Module *module, Dwarf_Addr address, Dwarf_Addr *bias)
{
    Dwarf_Die *unit = oak__dw.dwfl_module_addrdie(module, address, bias);
    /* Where some units are missing from it, their neighbours are given for them. */
    if (unit && oak__dw.dwarf_haspc(unit, address - *bias) > 0)
        return unit;
    if (module == libdw.last.module && oak__dw.dwarf_haspc(libdw.last.unit, address - libdw.last.bias) > 0) {
        *bias = libdw.last.bias;
        return libdw.last.unit;
    }
    unit = NULL;
    while ((unit = oak__dw.dwfl_module_nextcu(module, unit, bias)))
        if (oak__dw.dwarf_haspc(unit, address - *bias) > 0)
            break;
    if (unit) {
        libdw.last.module = module;
        libdw.last.unit = unit;
        libdw.last.bias = *bias;
    }
    return unit;
}

static void learn_own_root(void)
{
    const char *this_file = target ? target->file : "inspect/dwarf.c";
    Dwarf_Addr bias, here = (Dwarf_Addr)(target ? (uintptr_t)target->code : (uintptr_t)learn_own_root);
    Dwfl_Module *module = oak__dw.dwfl_addrmodule(libdw.dwfl, here);
    Dwarf_Die *unit = module ? unit_of(module, here, &bias) : NULL;
    if (!unit)
        return;
    unit_path(unit, own_root, sizeof own_root);
    size_t n = strlen(own_root), tail = strlen(this_file);
    if (n > tail && strcmp(own_root + n - tail, this_file) == 0)
        own_root[n - tail] = 0;
    else
        own_root[0] = 0;
}

/* The files of another process are not always those that have their names here. */
static int find_elf(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, char **path,
                    Elf **elf)
{
    if (!target || !target->open || name[0] != '/')
        return oak__dw.dwfl_linux_proc_find_elf(module, user, name, base, path, elf);
    int fd = target->open(target->source, name, base);
    if (fd >= 0)
        *path = strdup(name);
    return fd;
}

static bool ready(void)
{
    if (state != UNTRIED)
        return state == LOADED;
    state = ABSENT;
    if (!load_functions())
        return false;
    callbacks.find_elf = find_elf;
    /* Separate debug files by build id from the local folders only: a report never waits for a server. */
    callbacks.find_debuginfo = oak__dw.dwfl_build_id_find_debuginfo;
    libdw.dwfl = oak__dw.dwfl_begin(&callbacks);
    if (!libdw.dwfl)
        return false;
    if (!report_modules()) {
        oak__dw.dwfl_end(libdw.dwfl);
        return false;
    }
    learn_own_root();
    state = LOADED;
    return true;
}

static bool is_own(Dwarf_Die *unit)
{
    char path[512];
    if (!own_root[0])
        return false;
    unit_path(unit, path, sizeof path);
    return strncmp(path, own_root, strlen(own_root)) == 0;
}

static void line_of(Dwarf_Die *unit, Dwarf_Addr address, struct oak__symbol *s)
{
    Dwarf_Line *line = oak__dw.dwarf_getsrc_die(unit, address);
    if (!line)
        return;
    oak__symbol_copy(s->file, sizeof s->file, oak__dw.dwarf_linesrc(line, NULL, NULL));
    oak__dw.dwarf_lineno(line, &s->line);
}

/* The call that was inlined: the place in the function around it. */
static void call_site(Dwarf_Die *inlined, Dwarf_Die *unit, struct oak__symbol *s)
{
    Dwarf_Attribute attr;
    Dwarf_Word file, line;
    Dwarf_Files *files;
    size_t nfiles;
    s->line = 0;
    s->file[0] = 0;
    if (oak__dw.dwarf_getsrcfiles(unit, &files, &nfiles) != 0)
        return;
    if (oak__dw.dwarf_attr(inlined, DW_AT_call_file, &attr) && oak__dw.dwarf_formudata(&attr, &file) == 0)
        oak__symbol_copy(s->file, sizeof s->file, oak__dw.dwarf_filesrc(files, file, NULL, NULL));
    if (oak__dw.dwarf_attr(inlined, DW_AT_call_line, &attr) && oak__dw.dwarf_formudata(&attr, &line) == 0)
        s->line = (int)line;
}

/* The functions around an address from inside out: inlined ones, then the one that stands there. *first holds
 * module and line. */
static int functions(Dwarf_Die *unit, Dwarf_Addr address, const struct oak__symbol *first,
                     struct oak__symbol *out, int max)
{
    Dwarf_Die *at = NULL, *scopes = NULL;
    int n = 0;
    if (oak__dw.dwarf_getscopes(unit, address, &at) <= 0)
        return 0;
    struct oak__symbol next = *first;
    int nscopes = oak__dw.dwarf_getscopes_die(&at[0], &scopes);
    for (int i = 0; i < nscopes && n < max; i++) {
        int tag = oak__dw.dwarf_tag(&scopes[i]);
        if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
            continue;
        oak__symbol_copy(next.function, sizeof next.function, oak__dw.dwarf_diename(&scopes[i]));
        out[n++] = next;
        if (tag == DW_TAG_subprogram)
            break;
        call_site(&scopes[i], unit, &next);
    }
    free(scopes);
    free(at);
    return n;
}

/* A module without debug information still has names. */
static void name_only(Dwfl_Module *module, Dwarf_Addr address, struct oak__symbol *s)
{
    GElf_Off offset = 0;
    GElf_Sym sym;
    Dwarf_Addr start = 0;
    const char *name = oak__dw.dwfl_module_addrinfo(module, address, &offset, &sym, NULL, NULL, NULL);
    oak__symbol_copy(s->function, sizeof s->function, name);
    oak__dw.dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
    oak__symbol_tidy(s->function);
    s->offset = name ? offset : address - start;
    s->runtime = strncmp(s->function, "oak_", 4) == 0 || strncmp(s->module, "liboakum.so", 11) == 0;
}

static int lookup(const void *pc, struct oak__symbol *out, int max)
{
    Dwarf_Addr address = (Dwarf_Addr)(uintptr_t)pc, bias = 0;
    Dwfl_Module *module = oak__dw.dwfl_addrmodule(libdw.dwfl, address);
    /* Perhaps it was loaded after the last look. */
    if (!module && !target && report_modules())
        module = oak__dw.dwfl_addrmodule(libdw.dwfl, address);
    if (!module)
        return 0;
    struct oak__symbol first = {.line = 0};
    const char *name = oak__dw.dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    oak__symbol_copy(first.module, sizeof first.module, oak__base_name(name ? name : ""));
    name_only(module, address, &first);
    Dwarf_Die *unit = unit_of(module, address, &bias);
    if (unit)
        line_of(unit, address - bias, &first);
    if (unit)
        first.runtime = is_own(unit) || first.runtime;
    int n = unit ? functions(unit, address - bias, &first, out, max) : 0;
    if (n > 0)
        return n;
    /* Without debug information the symbol table itself tells more of whose code it is. */
    oak__symbol_plain(pc, OAK__PC_EXACT, &out[0]);
    first.runtime = first.runtime || out[0].runtime;
    out[0] = first;
    return first.function[0] || first.module[0];
}

Dwfl *oak__dwarf_enter(void)
{
    pthread_mutex_lock(&lock);
    return ready() ? libdw.dwfl : NULL;
}

void oak__dwarf_leave(void)
{
    pthread_mutex_unlock(&lock);
}

int oak__dwarf_lookup(const void *pc, struct oak__symbol *out, int max)
{
    int n = oak__dwarf_enter() ? lookup(pc, out, max) : 0;
    oak__dwarf_leave();
    return n;
}

bool oak__symbol_target(const struct oak__symbol_target *t)
{
    static struct oak__symbol_target kept;
    pthread_mutex_lock(&lock);
    kept = *t;
    target = &kept;
    oak__symbol_foreign = true;
    bool ok = ready();
    pthread_mutex_unlock(&lock);
    return ok;
}

bool oak__dwarf_usable_in_clone(void)
{
    if (pthread_mutex_trylock(&lock) != 0)
        return false;
    pthread_mutex_unlock(&lock);
    return true;
}

void oak__dwarf_books(const void **lo, const void **hi)
{
    *lo = &libdw;
    *hi = &libdw + 1;
}

#endif
