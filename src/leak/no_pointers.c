#include "leak/no_pointers.h"

#include "base/hash.h"
#include "base/lock.h"
#include "base/os.h"
#include "base/slab.h"

#include <oakum/leak.h>
#include <string.h>

enum { FIRST_SLOTS = 256, GONE = OAK__NO_POINTERS_GONE };

struct oak__no_pointers *_Atomic oak__no_pointers;
static oak__lock table_lock;
static size_t used; /* slots that are not empty, those that are gone among them */
static size_t live;
static struct oak__no_pointers *spare; /* the table before this one */

/* Where lo stands; else the first slot that may take it. */
static struct oak__no_pointers_entry *slot_of(struct oak__no_pointers *t, uintptr_t lo)
{
    size_t i = hash_address(lo) & (t->slots - 1);
    for (;; i = (i + 1) & (t->slots - 1)) {
        uintptr_t at = load_relaxed(&t->entry[i].lo);
        if (!at || at == lo)
            return &t->entry[i];
    }
}

static void enter(struct oak__no_pointers *t, uintptr_t lo, size_t size)
{
    struct oak__no_pointers_entry *e = slot_of(t, lo);
    store_relaxed(&e->size, size);
    store_release(&e->lo, lo);
}

/* An empty table: the one before the last if that has the size, since what is mapped here stays mapped. */
static struct oak__no_pointers *make(size_t slots)
{
    struct oak__no_pointers *t = spare;
    const size_t bytes = slots * sizeof t->entry[0];
    if (t && t->slots == slots) {
        memset(t->entry, 0, bytes);
        return t;
    }
    t = oak__runtime_alloc(sizeof *t + bytes);
    if (t)
        t->slots = slots;
    return t;
}

/* True when there is room for one more. Entries that are gone take room until then. */
static bool make_room(void)
{
    struct oak__no_pointers *old = load_relaxed(&oak__no_pointers);
    if (old && 4 * (used + 1) <= 3 * old->slots)
        return true;
    size_t slots = old ? old->slots : FIRST_SLOTS;
    while (slots < 2 * (live + 1))
        slots *= 2;
    struct oak__no_pointers *t = make(slots);
    if (!t)
        return false;
    for (size_t i = 0; old && i < old->slots; i++) {
        uintptr_t lo = load_relaxed(&old->entry[i].lo);
        if (lo > GONE)
            enter(t, lo, load_relaxed(&old->entry[i].size));
    }
    used = live;
    spare = old;
    store_release(&oak__no_pointers, t);
    return true;
}

int oak_leak_no_pointers(const void *p, size_t size)
{
    const uintptr_t lo = (uintptr_t)p;
    if (lo <= GONE || !size || lo + size < lo || !oak__os_is_mapped(p, size))
        return -EINVAL;
    lock(&table_lock);
    int err = make_room() ? 0 : -ENOMEM;
    if (!err) {
        bool fresh = !load_relaxed(&slot_of(load_relaxed(&oak__no_pointers), lo)->lo);
        used += fresh;
        live += fresh;
        enter(load_relaxed(&oak__no_pointers), lo, size);
    }
    unlock(&table_lock);
    return err;
}

int oak_leak_may_have_pointers(const void *p)
{
    const uintptr_t lo = (uintptr_t)p;
    int err = -EINVAL;
    if (lo <= GONE || !load_acquire(&oak__no_pointers))
        return err;
    lock(&table_lock);
    struct oak__no_pointers_entry *e = slot_of(load_relaxed(&oak__no_pointers), lo);
    if (load_relaxed(&e->lo)) {
        store_release(&e->lo, GONE);
        live--;
        err = 0;
    }
    unlock(&table_lock);
    return err;
}
