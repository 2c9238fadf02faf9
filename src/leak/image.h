/*
 * A memory image: what the leak proof looks at.
 *
 * The analysis never follows a pointer of the program by itself. It asks an image where the bytes of an address
 * are; so the same analysis reads a frozen copy of its own process, a core file, or another process, each of
 * which is a source that fills this struct (own.c is the first). Addresses of the program are uintptr_t;
 * pointers are the analysis's own.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_IMAGE_H
#define OAK_LEAK_IMAGE_H

#include "leak/scratch.h"

#include <string.h>

struct oak__span {
    uintptr_t lo, hi;
};

enum oak__mapping_flags {
    OAK__MAP_READ = 1,
    OAK__MAP_WRITE = 2,
    OAK__MAP_SHARED = 4,
    OAK__MAP_FILE = 8,     /* has a file behind it */
    OAK__MAP_BRK = 16,     /* the program break's */
    OAK__MAP_STACK = 32,   /* the first thread's stack */
    OAK__MAP_KERNEL = 64,  /* [vvar], [vdso] and the like, and devices: not the program's memory */
    OAK__MAP_COPIED = 128, /* local is a copy, made at the stop (shared.h) */
    OAK__MAP_CODE = 256,   /* may be executed */
};

struct oak__mapping {
    uintptr_t lo, hi;
    const char *local; /* where its first byte can be read; NULL: nowhere */
    uint32_t flags;
};

enum { OAK__MORE_REGS = 8 };

/* A thread when the image was taken. */
struct oak__thread {
    int tid;
    uintptr_t sp;                               /* where its stack ended */
    struct oak__span regs;                      /* where its registers lie; empty: on that stack */
    struct oak__span more_regs[OAK__MORE_REGS]; /* those of vectors and the like; the rest is empty */
    struct oak__span dead;                      /* its alternate signal stack, as far as it was not in use */
    bool lost; /* set by decode_threads.c: it is the runtime's, but the stack is not */
};

/* A region of goroutines' stacks in compact mode: those that are put away (stack/away.h) lie in records elsewhere. */
struct oak__moved {
    uintptr_t lo, hi;
    size_t slot;
    uintptr_t words; /* where the slots' words are */
};
enum { OAK__MOST_MOVED = 8 };

struct oak__image {
    struct oak__mapping *maps; /* sorted, not overlapping */
    size_t nmaps;
    struct oak__thread *threads;
    size_t nthreads;
    /* Calls fn for each part of [lo, hi), a part of m, that may hold something the program wrote; the part can be
     * read. Without it: all that is readable. */
    void (*pages)(struct oak__image *img, const struct oak__mapping *m, uintptr_t lo, uintptr_t hi,
                  void (*fn)(void *arg, uintptr_t lo, uintptr_t hi), void *arg);
    /* Copies what nobody has written to: code. NULL: it can be read as all else. */
    bool (*code)(struct oak__image *img, uintptr_t a, void *out, size_t size);
    struct oak__moved moved[OAK__MOST_MOVED];
    size_t nmoved;
    /* Sorted: goroutines' stacks and the runtime's own memory. No block of the heap lies there. */
    const struct oak__span *runtime;
    size_t nruntime;
    const uintptr_t *kept; /* words of the program that the kernel keeps: see kernel.h */
    size_t nkept;
    bool hidden;      /* it keeps more than can be seen: nothing can be proven */
    void *source;     /* the source's own */
    uint64_t unseen;  /* bytes that may refer to anything: shared memory of which there is no copy */
    size_t nullified; /* pages that could not be read after all; they count as zero */
};

/* The mapping that contains address a, or NULL. */
const struct oak__mapping *oak__image_mapping(const struct oak__image *img, uintptr_t a);
/* The bytes [a, a + size), or NULL when they cannot be read in one piece. Of a stack that is put away: those of its record; of one
 * that is just coming back: NULL. */
const void *oak__image_at(const struct oak__image *img, uintptr_t a, size_t size);
/* The word (stack/away.h) of the stack that a lies in; 0: its contents are where they belong. */
uintptr_t oak__image_away(const struct oak__image *img, uintptr_t a);
/* See pages above. */
void oak__image_pages(struct oak__image *img, const struct oak__mapping *m, uintptr_t lo, uintptr_t hi,
                      void (*fn)(void *arg, uintptr_t lo, uintptr_t hi), void *arg);

/* Copies an object out of the image. */
static inline bool image_copy(const struct oak__image *img, uintptr_t a, void *out, size_t size)
{
    const void *p = oak__image_at(img, a, size);
    if (p)
        memcpy(out, p, size);
    return p != NULL;
}

/* The word at a; 0 when it cannot be read. */
static inline uint64_t image_word(const struct oak__image *img, uintptr_t a)
{
    uint64_t w = 0;
    image_copy(img, a, &w, sizeof w);
    return w;
}

#endif
