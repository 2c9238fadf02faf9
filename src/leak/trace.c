#include "leak/trace.h"

#include "base/hash.h"

enum { HOW_SHIFT = 56 };
#define UNIT_MASK (((uintptr_t)1 << HOW_SHIFT) - 1)

int oak__trace_init(struct oak__trace *t, struct oak__scratch *s, size_t most)
{
    size_t slots = 64;
    while (slots < most + most / 2)
        slots *= 2;
    t->mask = slots - 1;
    t->slots = oak__scratch_alloc(s, slots, sizeof *t->slots);
    return t->slots ? 0 : -ENOMEM;
}

/* Where unit stands, or could. */
static struct oak__trace_note *slot_of(const struct oak__trace *t, uintptr_t unit)
{
    size_t i = hash_address(unit) & t->mask;
    while (t->slots[i].unit && (t->slots[i].unit & UNIT_MASK) != unit)
        i = (i + 1) & t->mask;
    return &t->slots[i];
}

void oak__trace_note(struct oak__trace *t, uintptr_t unit, enum oak__how how, uintptr_t by)
{
    struct oak__trace_note *x = slot_of(t, unit);
    if (!x->unit)
        *x = (struct oak__trace_note){unit | (uintptr_t)how << HOW_SHIFT, by};
}

bool oak__trace_find(const struct oak__trace *t, uintptr_t unit, enum oak__how *how, uintptr_t *by)
{
    const struct oak__trace_note *x = slot_of(t, unit);
    *how = (enum oak__how)(x->unit >> HOW_SHIFT);
    *by = x->by;
    return x->unit != 0;
}
