/* The blocks that keep most of what leaked goroutines retain (dominators.h), in the report. */
#include "leak/report.h"

#include "inspect/group.h"
#include "inspect/out.h"

enum { WORTH_A_LINE = 1024, MOST_LINES = 3 };

/* Not by qsort: it may take memory from the heap, and what it leaves there would be references. */
static void insert(struct oak_leak_report *r, const struct oak__top *t)
{
    size_t i = r->nblocks++;
    for (; i > 0 && r->blocks[i - 1].retained < t->retained; i--)
        r->blocks[i] = r->blocks[i - 1];
    r->blocks[i] = (struct oak_leak_block){.goroutine = t->id,
                                           .at = t->at,
                                           .size = t->size,
                                           .retained = t->retained,
                                           .allocated_at = (const void *)t->site,
                                           .exact = t->exact};
}

int oak__blocks_fill(struct oak_leak_report *r, const struct oak__results *results)
{
    size_t n = 0;
    for (size_t i = 0; i < OAK__TOP_KEYS; i++)
        for (size_t k = 0; k < OAK__TOPS; k++)
            n += results->tops[i].top[k].retained != 0;
    r->blocks = oak__scratch_alloc(&r->memory, n + 1, sizeof *r->blocks);
    if (!r->blocks)
        return -ENOMEM;
    for (size_t i = 0; i < OAK__TOP_KEYS; i++)
        for (size_t k = 0; k < OAK__TOPS && results->tops[i].top[k].retained; k++)
            insert(r, &results->tops[i].top[k]);
    return 0;
}

const struct oak_leak_block *oak_leak_block_at(const oak_leak_report *r, size_t i)
{
    return oak__report_ok(r) && i < r->nblocks ? &r->blocks[i] : NULL;
}

static bool is_member(const struct oak_leak_report *r, uint64_t id, const struct oak__groups *gs,
                      const struct oak__group *gr)
{
    const struct oak__leak_entry *e = oak__report_entry(r->entries, r->nleaked, id);
    struct oak_goroutine_info info;
    if (!e)
        return false;
    oak__entry_to_info(e, &info);
    return oak__groups_read_alike(gr, oak__groups_find(gs, &info, e->verdict));
}

static void print_block(struct oak__out *o, const struct oak_leak_block *b)
{
    char place[512];
    oak__outf(o, "    block 0x%llx (", (unsigned long long)b->at);
    oak__print_bytes(o, b->size);
    oak__outf(o, ") alone keeps %s", b->exact ? "" : "about ");
    oak__print_bytes(o, b->retained);
    oak__outf(o, " of goroutine %llu", (unsigned long long)b->goroutine);
    if (b->allocated_at) {
        oak_symbolize(b->allocated_at, place, sizeof place);
        oak__outf(o, ", allocated by %s", place);
    }
    oak__outf(o, "\n");
}

void oak__blocks_print(const struct oak_leak_report *r, const struct oak__groups *gs,
                       const struct oak__group *gr, struct oak__out *o)
{
    int lines = 0;
    for (size_t i = 0; i < r->nblocks && r->blocks[i].retained >= WORTH_A_LINE && lines < MOST_LINES; i++)
        if (is_member(r, r->blocks[i].goroutine, gs, gr)) {
            print_block(o, &r->blocks[i]);
            lines++;
        }
}
