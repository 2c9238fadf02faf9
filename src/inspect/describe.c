/*
 * Groups put into words, and joined where these are the same.
 *
 * Program counters alone tell too much apart: a compiler that unrolls a loop or splits a function makes
 * several calls of one. For the reader what is written is what counts.
 */
#include "inspect/print.h"

#include "base/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int describe(struct oak__group *gr, const struct oak__style *st)
{
    size_t size;
    FILE *f = open_memstream(&gr->text, &size);
    if (!f)
        return -ENOMEM;
    struct oak__out o = OAK__OUT_FILE(f);
    oak__print_stack(&o, st, &gr->first);
    oak__print_creator(&o, st, &gr->first);
    if (fclose(f) != 0 || o.err) {
        free(gr->text);
        gr->text = NULL;
        return -ENOMEM;
    }
    return 0;
}

/* Alike ones beside each other, the first goroutine's group first. */
static int by_words(const void *pa, const void *pb)
{
    const struct oak__group *a = *(struct oak__group *const *)pa, *b = *(struct oak__group *const *)pb;
    if (a->tag != b->tag)
        return a->tag < b->tag ? -1 : 1;
    if (a->first.state != b->first.state)
        return a->first.state < b->first.state ? -1 : 1;
    if (a->first.reason != b->first.reason)
        return a->first.reason < b->first.reason ? -1 : 1;
    int words = strcmp(a->text, b->text);
    if (words != 0)
        return words;
    return a->first.id < b->first.id ? -1 : a->first.id > b->first.id;
}

bool oak__groups_read_alike(const struct oak__group *a, const struct oak__group *b)
{
    return b && a->tag == b->tag && a->first.state == b->first.state && a->first.reason == b->first.reason &&
           strcmp(a->text, b->text) == 0;
}

static int by_number(const void *pa, const void *pb)
{
    uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;
    return a < b ? -1 : a > b;
}

static uint64_t shown(const struct oak__group *gr)
{
    return gr->count < OAK__GROUP_IDS ? gr->count : OAK__GROUP_IDS;
}

/* a also stands for b's members. */
static void join(struct oak__group *a, const struct oak__group *b)
{
    uint64_t ids[2 * OAK__GROUP_IDS], na = shown(a), nb = shown(b);
    memcpy(ids, a->ids, na * sizeof ids[0]);
    memcpy(ids + na, b->ids, nb * sizeof ids[0]);
    qsort(ids, na + nb, sizeof ids[0], by_number);
    a->count += b->count;
    memcpy(a->ids, ids, shown(a) * sizeof ids[0]);
    a->weight += b->weight;
    a->deadlines += b->deadlines;
    if (b->oldest < a->oldest)
        a->oldest = b->oldest;
    if (b->newest > a->newest)
        a->newest = b->newest;
    const char *name = a->first.name ? a->first.name : "", *other = b->first.name ? b->first.name : "";
    a->same_name = a->same_name && b->same_name && strcmp(name, other) == 0;
    a->same_object = a->same_object && b->same_object && a->first.wait_object == b->first.wait_object;
}

int oak__groups_describe(struct oak__groups *gs, const struct oak__style *st)
{
    int err = oak__groups_sort(gs);
    for (size_t i = 0; !err && i < gs->n; i++)
        if (!gs->sorted[i]->text)
            err = describe(gs->sorted[i], st);
    if (err)
        return err;
    qsort(gs->sorted, gs->n, sizeof gs->sorted[0], by_words);
    size_t n = 0;
    for (size_t i = 0; i < gs->n; i++)
        if (n > 0 && oak__groups_read_alike(gs->sorted[n - 1], gs->sorted[i]))
            join(gs->sorted[n - 1], gs->sorted[i]);
        else
            gs->sorted[n++] = gs->sorted[i];
    gs->n = n;
    oak__groups_order(gs);
    return 0;
}
