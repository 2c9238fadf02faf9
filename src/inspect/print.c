#include "inspect/print.h"

#include "inspect/symbol.h"

#include <string.h>

/* " waiting (chan send)", " running" */
static void print_state(struct oak__out *o, const struct oak_goroutine_info *g)
{
    if (g->state == OAK_STATE_WAITING)
        oak__outf(o, " waiting (%s)", oak_wait_reason_name(g->reason));
    else if (g->state == OAK_STATE_SYSCALL)
        oak__outf(o, " in a system call or a long computation");
    else
        oak__outf(o, " %s", oak_state_name(g->state));
}

static void print_name(struct oak__out *o, const char *name)
{
    if (name)
        oak__outf(o, " \"%.64s\"", name);
}

void oak__print_group(struct oak__out *o, const struct oak__style *st, const struct oak__group *gr)
{
    oak__out_count(o, gr->count, "goroutine");
    if (gr->same_name)
        print_name(o, gr->first.name);
    print_state(o, &gr->first);
    if (gr->first.state != OAK_STATE_WAITING)
        return;
    oak__outf(o, gr->count == 1 ? " for " : ", oldest ");
    oak__out_age(o, st->now - gr->oldest);
}

void oak__print_goroutine(struct oak__out *o, const struct oak__style *st, const struct oak_goroutine_info *g)
{
    oak__outf(o, "goroutine %llu", (unsigned long long)g->id);
    print_name(o, g->name);
    print_state(o, g);
    if (g->state == OAK_STATE_WAITING) {
        oak__outf(o, " for ");
        oak__out_age(o, st->now - g->wait_since);
        if (g->wait_object)
            oak__outf(o, " on %p", g->wait_object);
        if (g->has_deadline)
            oak__outf(o, ", with a deadline");
    }
    if (g->scope_name)
        oak__outf(o, ", in scope \"%.64s\"", g->scope_name);
}

static NOINLINE void place_of(const struct oak__style *st, const void *pc, char *buf, size_t size)
{
    struct oak__symbol s;
    if (st->plain)
        oak__symbol_plain(pc, OAK__PC_RETURN, &s);
    else
        oak__symbols_at(pc, OAK__PC_RETURN, &s, 1);
    oak__symbol_text(&s, pc, buf, size);
}

void oak__print_creator(struct oak__out *o, const struct oak__style *st, const struct oak_goroutine_info *g)
{
    char place[320];
    if (!g->created_at)
        return;
    place_of(st, g->created_at, place, sizeof place);
    if (st->full && g->parent)
        oak__outf(o, "%s    created by goroutine %llu in %s\n", st->indent, (unsigned long long)g->parent,
                  place);
    else
        oak__outf(o, "%s    created by %s\n", st->indent, place);
}

void oak__print_ids(struct oak__out *o, const struct oak__style *st, const struct oak__group *gr)
{
    uint64_t shown = gr->count < OAK__GROUP_IDS ? gr->count : OAK__GROUP_IDS;
    oak__outf(o, "%s    goroutine%s", st->indent, gr->count == 1 ? "" : "s");
    for (uint64_t i = 0; i < shown; i++)
        oak__outf(o, "%s %llu", i ? "," : "", (unsigned long long)gr->ids[i]);
    if (gr->count > shown)
        oak__outf(o, " and %llu more", (unsigned long long)(gr->count - shown));
    oak__outf(o, "\n");
}

void oak__print_entry(struct oak__out *o, const struct oak__style *st, const struct oak_goroutine_info *g,
                      const struct oak__group *gr)
{
    if (gr && gr->text) {
        oak__out_bytes(o, gr->text, strlen(gr->text));
    } else {
        oak__print_stack(o, st, g);
        oak__print_creator(o, st, g);
    }
    if (gr)
        oak__print_ids(o, st, gr);
}
