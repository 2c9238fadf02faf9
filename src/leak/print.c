/*
 * The report in words. Symbols need a deep stack and a stream may block, so the text is made in memory on the one and
 * written from the other.
 */
#include "leak/report.h"

#include "inspect/print.h"
#include "inspect/symbol.h"

#include <stdio.h>
#include <stdlib.h>

struct printing {
    const oak_leak_report *r;
    const char *head; /* NULL: the usual */
    struct oak__out out;
    struct oak__style style;
    struct oak__groups groups;
    int err;
};

void oak__print_bytes(struct oak__out *o, uint64_t n)
{
    if (n < 1024)
        oak__outf(o, "%llu bytes", (unsigned long long)n);
    else if (n < 1024 * 1024)
        oak__outf(o, "%.1f KiB", (double)n / 1024);
    else
        oak__outf(o, "%.1f MiB", (double)n / (1024 * 1024));
}

static void print_milliseconds(struct oak__out *o, const char *what, int64_t ns)
{
    oak__outf(o, "%s %.1f ms", what, (double)ns / (double)OAK_MILLISECOND);
}

static void print_caveats(struct printing *p)
{
    const oak_leak_report *r = p->r;
    if (r->lost == OAK__LOST_IN_KERNEL)
        oak__outf(&p->out, "Nothing is proven: the kernel keeps words of the process that cannot be seen "
                           "(requests of an io_uring, "
                           "or /proc says too little), and they may be references.\n");
    else if (r->lost)
        oak__outf(&p->out, "Nothing is proven: some memory of the process cannot be seen (MADV_DONTFORK, or "
                           "left out of a core "
                           "file), and may hold references.\n");
    else if (r->unseen)
        oak__outf(&p->out,
                  "Less is proven: %.1f MiB of shared memory were not looked at, which may refer to anything "
                  "(see oak_leak_no_pointers).\n",
                  (double)r->unseen / (1024 * 1024));
    else if (!r->glibc)
        oak__outf(&p->out,
                  "Less is proven: malloc is not glibc's, so all memory of the heap counts as in use.\n");
    else if (!r->exact)
        oak__outf(&p->out, "Less is proven: a part of the heap was not understood, and counts as in use.\n");
    if (r->dropped)
        oak__outf(&p->out, "%llu more are leaked that started during the check; check again.\n",
                  (unsigned long long)r->dropped);
}

static void print_head(struct printing *p)
{
    const oak_leak_report *r = p->r;
    struct oak__out *o = &p->out;
    oak__out_count(o, r->nleaked, "goroutine");
    oak__outf(o, " leaked (proven), %zu suspected, of %llu", r->n - r->nleaked,
              (unsigned long long)r->goroutines);
    print_milliseconds(o, "; the process paused", r->pause);
    print_milliseconds(o, ", the check took", r->duration);
    oak__outf(o, "\n");
    print_caveats(p);
}

static const char *verdict_name(unsigned verdict)
{
    return verdict == OAK_LEAKED ? "leaked" : verdict == OAK_SUSPECT ? "suspect" : "still there";
}

static void print_group(struct printing *p, const struct oak__group *gr)
{
    struct oak__out *o = &p->out;
    const struct oak__leak_entry *e = gr->user;
    char why[512];
    oak__outf(o, "\n%s: ", verdict_name(gr->tag));
    oak__print_group(o, &p->style, gr);
    if (gr->weight) {
        oak__outf(o, ", retaining ");
        oak__print_bytes(o, gr->weight);
    }
    oak__outf(o, "\n");
    oak__why_text(e, p->r->now, why, sizeof why);
    if (!why[0])
        ;
    else if (gr->count > 1)
        oak__outf(o, "    why (goroutine %llu): %s\n", (unsigned long long)e->id, why);
    else
        oak__outf(o, "    why: %s\n", why);
    oak__print_entry(o, &p->style, &gr->first, gr);
    if (gr->tag == OAK_LEAKED)
        oak__blocks_print(p->r, &p->groups, gr, o);
}

void oak__entry_to_info(const struct oak__leak_entry *e, struct oak_goroutine_info *out)
{
    oak__shape_to_info(e->shape, out);
    out->id = e->id;
    out->parent = e->parent;
    out->scope = e->scope;
    out->wait_object = e->wait_object;
    out->wait_since = e->wait_since;
}

int oak__report_group(const oak_leak_report *r, struct oak__groups *gs)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct oak__leak_entry *e = &r->entries[i];
        struct oak_goroutine_info info;
        oak__entry_to_info(e, &info);
        struct oak__group *gr = oak__groups_add(gs, &info, e->verdict, e->retained);
        if (!gr)
            return -ENOMEM;
        if (!gr->user)
            gr->user = e;
    }
    return 0;
}

static void print_all(void *arg)
{
    struct printing *p = arg;
    if (p->head)
        oak__outf(&p->out, "%s", p->head);
    else
        print_head(p);
    p->err = oak__report_group(p->r, &p->groups);
    if (!p->err)
        p->err = oak__groups_describe(&p->groups, &p->style);
    for (size_t i = 0; !p->err && i < p->groups.n; i++)
        print_group(p, p->groups.sorted[i]);
    fflush(p->out.f);
    if (!p->err)
        p->err = p->out.err;
}

int oak_leak_print(const oak_leak_report *r, FILE *f)
{
    return oak__report_ok(r) && f ? oak__report_print(r, f, NULL) : -EINVAL;
}

int oak__report_print(const oak_leak_report *r, FILE *f, const char *head)
{
    char *text = NULL;
    size_t size = 0;
    struct printing p = {.r = r, .head = head, .style = {.indent = "", .now = r->now}};
    p.out.f = open_memstream(&text, &size);
    if (!p.out.f)
        return -ENOMEM;
    oak__on_deep_stack(print_all, &p);
    fclose(p.out.f);
    oak__groups_free(&p.groups);
    errno = 0;
    if (!p.err && (fwrite(text, 1, size, f) != size || fflush(f)))
        p.err = errno ? -errno : -EIO;
    free(text);
    return p.err;
}
