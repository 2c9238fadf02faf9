/*
 * libdw's functions, as far as they are used, and who may call them: one thread at a time.
 *
 * Internal to dwarf*.c.
 */
#ifndef OAK_INSPECT_DWARF_H
#define OAK_INSPECT_DWARF_H

#include "inspect/symbol.h"

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

/* One list: the table of pointers and the loading of it. */
#define LIBDW(X)                                                                                             \
    X(dwfl_begin)                                                                                            \
    X(dwfl_end)                                                                                              \
    X(dwfl_report_begin)                                                                                     \
    X(dwfl_report_end)                                                                                       \
    X(dwfl_linux_proc_report)                                                                                \
    X(dwfl_core_file_report)                                                                                 \
    X(elf_begin)                                                                                             \
    X(elf_version)                                                                                           \
    X(dwfl_linux_proc_find_elf)                                                                              \
    X(dwfl_build_id_find_debuginfo)                                                                          \
    X(dwfl_addrmodule)                                                                                       \
    X(dwfl_module_info)                                                                                      \
    X(dwfl_module_addrdie)                                                                                   \
    X(dwfl_module_addrinfo)                                                                                  \
    X(dwfl_module_nextcu)                                                                                    \
    X(dwarf_getsrc_die)                                                                                      \
    X(dwarf_lineno)                                                                                          \
    X(dwarf_linesrc)                                                                                         \
    X(dwarf_haspc)                                                                                           \
    X(dwarf_getscopes)                                                                                       \
    X(dwarf_getscopes_die)                                                                                   \
    X(dwarf_tag)                                                                                             \
    X(dwarf_diename)                                                                                         \
    X(dwarf_attr)                                                                                            \
    X(dwarf_formstring)                                                                                      \
    X(dwarf_formudata)                                                                                       \
    X(dwarf_getsrcfiles)                                                                                     \
    X(dwarf_filesrc)                                                                                         \
    X(dwarf_child)                                                                                           \
    X(dwarf_siblingof)                                                                                       \
    X(dwarf_getlocation)                                                                                     \
    X(dwarf_getlocation_attr)                                                                                \
    X(dwarf_formaddr)                                                                                        \
    X(dwarf_decl_file)                                                                                       \
    X(dwarf_decl_line)

struct oak__libdw {
#define POINTER(name) __typeof__(&(name)) name;
    LIBDW(POINTER)
#undef POINTER
};
extern struct oak__libdw oak__dw;

/* Takes the lock, loads libdw when that has not been tried. NULL: it has no answers. Leave in any case. */
Dwfl *oak__dwarf_enter(void);
void oak__dwarf_leave(void);

#endif
