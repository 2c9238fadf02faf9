/*
 * oak_report.
 *
 * Symbols need a deep stack, and a stream may be the user's own (fopencookie) whose write blocks the
 * goroutine: so text is made in memory on the deep stack, piece by piece, and written from the caller's.
 */
#include "inspect/print.h"
#include "inspect/symbol.h"

#include <stdlib.h>

enum { PIECE = 64 * 1024 };

struct report {
    FILE *to;
    FILE *piece; /* memory */
    char *text;
    size_t size;
    struct oak__style style;
    struct oak__groups groups;
    bool scopes_begun; /* one has been told */
    int err;
    /* the entry to be printed */
    const struct oak_goroutine_info *g;
    const struct oak__group *group;
};

static void print_one(void *arg)
{
    struct report *r = arg;
    struct oak__out o = OAK__OUT_FILE(r->piece);
    oak__outf(&o, "\n");
    if (r->group)
        oak__print_group(&o, &r->style, r->group);
    else
        oak__print_goroutine(&o, &r->style, r->g);
    oak__outf(&o, "\n");
    oak__print_entry(&o, &r->style, r->g, r->group);
    fflush(r->piece);
    r->err = o.err;
}

static void flush(struct report *r)
{
    errno = 0;
    if (!r->err && fwrite(r->text, 1, r->size, r->to) != r->size)
        r->err = errno ? -errno : -EIO;
    rewind(r->piece);
}

static void entry(struct report *r, const struct oak_goroutine_info *g, const struct oak__group *group)
{
    r->g = g;
    r->group = group;
    oak__on_deep_stack(print_one, r);
    if (r->size > PIECE)
        flush(r);
}

static bool entry_in_full(const struct oak_goroutine_info *g, void *arg)
{
    struct report *r = arg;
    entry(r, g, NULL);
    return r->err == 0;
}

static bool entry_to_group(const struct oak_goroutine_info *g, void *arg)
{
    struct report *r = arg;
    if (!oak__groups_add(&r->groups, g, 0, 0))
        r->err = -ENOMEM;
    return r->err == 0;
}

static void heading(struct report *r)
{
    struct oak__out o = OAK__OUT_FILE(r->piece);
    struct oak_stats s;
    oak_stats_read(&s);
    oak__out_count(&o, s.created > s.ended ? s.created - s.ended : 0, "goroutine");
    oak__outf(&o, ": %llu created, %llu ended; ", (unsigned long long)s.created, (unsigned long long)s.ended);
    oak__outf(&o, "%u P%s, ", s.procs, s.procs == 1 ? "" : "s");
    oak__out_count(&o, s.threads, "thread");
    oak__outf(&o, "\n");
    fflush(r->piece);
    r->err = o.err;
}

static bool scope_line(const struct oak_scope_info *s, void *arg)
{
    enum { DEEPEST = 32 };
    struct report *r = arg;
    struct oak__out o = OAK__OUT_FILE(r->piece);
    char where[256];
    if (!r->scopes_begun)
        oak__outf(&o, "\n");
    r->scopes_begun = true;
    oak_symbolize(s->opened_at, where, sizeof where);
    oak__outf(&o, "%*sscope \"%.64s\" of goroutine %llu, ", 4 * (s->depth < DEEPEST ? s->depth : DEEPEST), "",
              s->name ? s->name : "", (unsigned long long)s->owner);
    if (s->children == 1)
        oak__outf(&o, "1 child");
    else
        oak__outf(&o, "%u children", s->children);
    oak__outf(&o, "%s%s, opened at %s\n", s->closed ? ", closed" : "",
              s->err == -ETIMEDOUT ? ", timed out"
              : s->err             ? ", cancelled"
                                   : "",
              where);
    r->err = o.err;
    return r->err == 0;
}

static void scopes(struct report *r)
{
    int64_t n = oak_scopes(scope_line, r);
    if (n < 0)
        r->err = (int)n;
    fflush(r->piece);
}

static void describe(void *arg)
{
    struct report *r = arg;
    r->err = oak__groups_describe(&r->groups, &r->style);
}

static void body(struct report *r)
{
    int64_t n = oak_goroutines(r->style.full ? entry_in_full : entry_to_group, r);
    if (n < 0)
        r->err = (int)n;
    if (!r->err && !r->style.full)
        oak__on_deep_stack(describe, r);
    for (size_t i = 0; !r->style.full && !r->err && i < r->groups.n; i++)
        entry(r, &r->groups.sorted[i]->first, r->groups.sorted[i]);
    if (r->style.full && !r->err)
        scopes(r);
}

int oak_report(FILE *f, unsigned flags)
{
    if (!f || flags & ~(unsigned)OAK_REPORT_FULL)
        return -EINVAL;
    struct report r = {.to = f, .style = {.indent = "", .now = oak_now(), .full = flags & OAK_REPORT_FULL}};
    r.piece = open_memstream(&r.text, &r.size);
    if (!r.piece)
        return -ENOMEM;
    heading(&r);
    if (!r.err)
        body(&r);
    flush(&r);
    if (!r.err && fflush(f))
        r.err = errno ? -errno : -EIO;
    fclose(r.piece);
    free(r.text);
    oak__groups_free(&r.groups);
    return r.err;
}
