/*
 * From program counters to names and lines.
 *
 * libdw (elfutils) knows most: functions, inlined ones too, files and lines. It is loaded when first needed
 * and is not needed to run. Without it, or where nothing may be allocated, the module's own symbol table is
 * read (elf.c), and without that there is the module and the offset in it.
 *
 * Internal: inspect, leak, export and scope may include it.
 */
#ifndef OAK_INSPECT_SYMBOL_H
#define OAK_INSPECT_SYMBOL_H

#include "base/common.h"

struct oak__symbol {
    char function[96]; /* empty: not known */
    char file[160];    /* as the compiler was told; empty: not known */
    int line;          /* 0: not known */
    char module[64];   /* file name of the executable or library; empty: not known */
    uint64_t offset;   /* in the function, or in the module when that is not known */
    bool runtime;      /* code of liboakum itself */
};

/* A return address points behind its call, perhaps already into another line or function. */
enum oak__pc_kind { OAK__PC_RETURN, OAK__PC_EXACT };

/*
 * What stands at pc: several entries when functions were inlined there, innermost first; at least one, at
 * most max (>= 1). How many. Needs a deep stack (a thread's own): in a goroutine, call it through
 * oak__on_deep_stack. May take milliseconds, allocates, takes a lock.
 */
int oak__symbols_at(const void *pc, enum oak__pc_kind kind, struct oak__symbol *out, int max);
/* The same for one entry, without libdw: allocates nothing, takes no lock, needs about 2 KiB of stack. */
void oak__symbol_plain(const void *pc, enum oak__pc_kind kind, struct oak__symbol *out);

/* The global or static variable that the byte at lies in: function is its name, offset in it; file and line of its
 * definition if known. False: none that is known. As oak__symbols_at otherwise. */
bool oak__symbol_data(const void *at, struct oak__symbol *out);

/* "function (file.c:12)", "function+0x1c (module)", "module+0x12c" or "0x12c". Length as snprintf. */
int oak__symbol_text(const struct oak__symbol *s, const void *pc, char *buf, size_t size);
/* Copies as much as fits, always terminated. NULL counts as empty. */
void oak__symbol_copy(char *to, size_t size, const char *from);
void oak__symbol_tidy(char *function);
/* The last component of a path. */
const char *oak__base_name(const char *path);

/* fn(arg) on a stack deep enough for libdw and stdio: the thread's own when called from a goroutine. */
void oak__on_deep_stack(void (*fn)(void *), void *arg);

/* ---- between the files of this folder ---- */

/* Addresses are another process's: what this one has loaded there says nothing. */
extern bool oak__symbol_foreign;
/* libdw's answer; 0 when it has none or cannot be loaded. Takes dwarf.c's lock. */
int oak__dwarf_lookup(const void *pc, struct oak__symbol *out, int max);
bool oak__dwarf_data(const void *at, struct oak__symbol *out);
/*
 * From now on addresses are those of another process (pid), or of one that left a core file (core, program): for the tool.
 * code: an address in the library's source file `file`, as the path below the library's sources; tells its units from the
 * program's. Before the first look-up. False: libdw cannot be loaded, or does not understand them; then addresses have no names.
 */
struct oak__symbol_target {
    int pid;
    const char *core, *program;
    const void *code;
    const char *file;
    /* Opens the file of a module that is mapped from base on: its descriptor, -1: it cannot be had. */
    int (*open)(void *source, const char *path, uint64_t base);
    void *source;
};
bool oak__symbol_target(const struct oak__symbol_target *t);
/* In a process that was cloned while other threads ran: true when no thread was inside libdw then. */
bool oak__dwarf_usable_in_clone(void);
/* What leads to libdw's blocks in the heap: to the leak proof, no references. Nothing there refers to the program's memory,
 * but what it has not yet written to holds the contents of blocks that were there before. */
void oak__dwarf_books(const void **lo, const void **hi);
/* The function at an address of an ELF file, as its headers count addresses. False when not known. */
bool oak__elf_function(const char *path, uint64_t address, struct oak__symbol *out);
/* The same of a variable. */
bool oak__elf_variable(const char *path, uint64_t address, struct oak__symbol *out);
/* The address at which the byte at a file offset is meant to be. */
bool oak__elf_address(const char *path, uint64_t offset, uint64_t *address);

#endif
