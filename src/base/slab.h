/*
 * Typed tables: the memory of the runtime's own objects (G, P, M, contexts, poll descriptors).
 *
 * Each type has a table of chunks, mapped apart from the heap and never given back, so that (a) a
 * descriptor's memory is type-stable, (b) the leak proof can leave the runtime's memory out of its roots and
 * knows every object by type, and (c) all objects of a type can be enumerated from outside. Free objects are
 * kept in a LIFO list under the table's lock; what is hot (G) has caches of its own on top.
 */
#ifndef OAK_BASE_SLAB_H
#define OAK_BASE_SLAB_H

#include "base/lock.h"

/*
 * Before the first object of a chunk some bytes are left free: the address where a mapping begins is also the one where
 * its neighbour ends, and whoever knows the end of a library's mapping (libdw does) has no reference to an object.
 */
enum { OAK__SLAB_MAX_CHUNKS = 4096, OAK__SLAB_HEAD = 64 };

struct oak__slab {
    const char *name;
    size_t object_size;
    size_t chunk_bytes; /* 0: 256 KiB */
    oak__lock lock;
    void *free_list;          /* linked through the first word */
    _Atomic uint32_t nchunks; /* chunks [0, nchunks) are published (release) */
    size_t fresh;             /* objects of the last chunk never handed out start here */
    struct {
        char *base;
        size_t objects;
    } * chunks;
    struct oak__slab *next; /* in the list of all tables that have a chunk */
};

/* Where all this is, for a reader from outside (leak/debug_root.h). */
struct oak__slab_books {
    const void *first;           /* the pointer to the first table that has a chunk */
    const void *regions, *count; /* pairs of addresses, and how many (32 bits) */
    const void *lo, *hi;         /* the books themselves */
};
void oak__slab_books(struct oak__slab_books *out);

#define OAK__SLAB(type_name, type)                                                                           \
    {                                                                                                        \
        .name = (type_name), .object_size = sizeof(type)                                                     \
    }

/* Zeroed object (a recycled one too), or NULL when memory is out. Any thread. */
void *oak__slab_alloc(struct oak__slab *s);
/* Up to n objects linked through their first word; how many. Not zeroed when recycled. */
size_t oak__slab_alloc_batch(struct oak__slab *s, size_t n, void **list);
void oak__slab_free(struct oak__slab *s, void *obj);
/* All objects ever handed out or about to be. */
void oak__slab_each(struct oak__slab *s, bool (*fn)(void *obj, void *arg), void *arg);
/* The object number i, in the order of memory; NULL past the last. */
void *oak__slab_at(struct oak__slab *s, size_t i);
/* The object that contains address p, or NULL. */
void *oak__slab_find(struct oak__slab *s, const void *p);

/* Calls fn for every table that has ever had an object. No lock is taken. */
void oak__slabs_each(bool (*fn)(struct oak__slab *s, void *arg), void *arg);

/* Memory of the runtime that is no table (the runtime struct itself, Ps): zeroed, page-aligned, never freed;
 * known to the leak proof. */
void *oak__runtime_alloc(size_t size);
/* Calls fn for every mapping made by this file: [lo, hi). */
void oak__runtime_regions(bool (*fn)(const void *lo, const void *hi, void *arg), void *arg);
/* Where that is noted: to the leak proof, no references. */
void oak__runtime_books(const void **lo, const void **hi);

#endif
