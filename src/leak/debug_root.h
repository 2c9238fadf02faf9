/*
 * Where the runtime's books are, for those who look from outside: another process, or somebody with a core file.
 *
 * The record is found by its first words and by its own address in it, in the program's initialised data: so it does not
 * matter whether the program is stripped, position-independent or linked with the shared library. It says for which
 * version of the library it is, and of which build: who reads the library's structures must come from the same sources.
 *
 * Internal: leak, and the tool.
 */
#ifndef OAK_LEAK_DEBUG_ROOT_H
#define OAK_LEAK_DEBUG_ROOT_H

#include "base/slab.h"
#include "stack/stack.h"

#define OAK__DEBUG_MAGIC "oakum.debug.root"
enum { OAK__DEBUG_SLABS = 5, OAK__DEBUG_IDENTITY = 40 };

struct oak__debug_root {
    char magic[16];
    const void *self;
    uint32_t size;    /* of this record */
    char version[20]; /* oak_version() */
    /* So far the same in all versions. */
    char identity[OAK__DEBUG_IDENTITY];              /* oak__debug_identity */
    const struct oak__slab *slabs[OAK__DEBUG_SLABS]; /* g, m, ctx, after, reads */
    const void *kept_lo, *kept_hi;                   /* the slabs of stacks that are put away */
    const void *names_lo, *names_hi;                 /* what leads to libdw's blocks */
    const void *no_pointers;                         /* the pointer to struct oak__no_pointers */
    struct oak__slab_books slab_books;
    struct oak__stack_books stack_books;
    const void *scopes; /* list head of the tree of scopes */
    uintptr_t stop_return;
    const void *sched; /* the pointer to struct oak__sched */
    const void *code;  /* a function of debug_root.c: tells which source files are the library's */
};

extern struct oak__debug_root oak__debug_root;
/* A hash of the sources, the processor, and the sanitizer that structures have room for. */
extern const char oak__debug_identity[OAK__DEBUG_IDENTITY];

#endif
