/*
 * The report of `oakum leaks` as JSON, for programs: docs/leaks.schema.json says what is in it. Addresses are strings
 * ("0x..."), since JSON's numbers cannot hold them; times and sizes are integers, in nanoseconds and bytes.
 */
#include "leaks_json.h"
#include "leaks_fail.h"

#ifndef OAK_HAVE_JANSSON

int leaks_json(const oak_leak_report *r, int64_t memory, FILE *out)
{
    (void)r, (void)memory, (void)out;
    leaks_note("no JSON can be written", "this tool", "build it with libjansson (Debian: libjansson-dev)");
    return -ENOTSUP;
}

int leaks_json_why_live(const oak_leak_report *r, FILE *out)
{
    return leaks_json(r, 0, out);
}

#else

    #include "leak/report.h"

    #include <inttypes.h>
    #include <jansson.h>

static json_t *address(const void *p)
{
    return p ? json_sprintf("0x%" PRIxPTR, (uintptr_t)p) : json_null();
}

static json_t *text_or_null(const char *s)
{
    json_t *j = s ? json_string(s) : NULL; /* NULL when it is not UTF-8 */
    return j ? j : json_null();
}

static json_t *place(const void *pc)
{
    char buf[512];
    if (!pc)
        return json_null();
    oak_symbolize(pc, buf, sizeof buf);
    return text_or_null(buf);
}

static json_t *frames(const struct oak_goroutine_info *g)
{
    json_t *a = json_array();
    for (int i = 0; i < g->nframes; i++)
        json_array_append_new(a, place(g->frames[i]));
    return a;
}

static json_t *rules(unsigned set)
{
    json_t *a = json_array();
    if (set & OAK_SUSPECT_AGE)
        json_array_append_new(a, json_string("age"));
    if (set & OAK_SUSPECT_COUNT)
        json_array_append_new(a, json_string("count"));
    if (set & OAK_SUSPECT_GROWTH)
        json_array_append_new(a, json_string("growth"));
    return a;
}

static json_t *goroutine(const oak_leak_report *r, const struct oak_leak *l)
{
    const struct oak_goroutine_info *g = &l->g;
    int64_t waited = g->wait_since ? r->now - g->wait_since : 0;
    return json_pack("{s:s, s:I, s:o, s:s, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:I, s:o}", "verdict",
                     l->verdict == OAK_LEAKED ? "leaked" : "suspect", "id", (json_int_t)g->id, "name",
                     text_or_null(g->name), "wait_reason", oak_wait_reason_name(g->reason), "wait_object",
                     address(g->wait_object), "why", text_or_null(l->why), "waited_ns", (json_int_t)waited,
                     "entry", place(g->entry), "created_at", place(g->created_at), "stack", frames(g),
                     "parent", g->parent ? json_integer((json_int_t)g->parent) : json_null(),
                     "retained_bytes", (json_int_t)l->retained, "rules", rules(l->rules));
}

static json_t *block(const struct oak_leak_block *b)
{
    return json_pack("{s:I, s:o, s:I, s:I, s:b, s:o}", "goroutine", (json_int_t)b->goroutine, "address",
                     address((const void *)b->at), "bytes", (json_int_t)b->size, "keeps_bytes",
                     (json_int_t)b->retained, "exact", b->exact, "allocated_at", place(b->allocated_at));
}

static int write_out(json_t *root, FILE *out)
{
    int err = root ? 0 : -ENOMEM;
    if (root && (json_dumpf(root, out, JSON_INDENT(2)) || fputc('\n', out) == EOF))
        err = -EIO;
    json_decref(root);
    return err;
}

int leaks_json(const oak_leak_report *r, int64_t goroutines, FILE *out)
{
    json_t *all = json_array();
    const struct oak_leak *l;
    for (size_t i = 0; (l = oak_leak_at(r, i)); i++)
        json_array_append_new(all, goroutine(r, l));
    json_t *blocks = json_array();
    const struct oak_leak_block *b;
    for (size_t i = 0; (b = oak_leak_block_at(r, i)); i++)
        json_array_append_new(blocks, block(b));
    json_t *root = json_pack(
        "{s:i, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:o, s:o}", "version", 1, "leaked",
        (json_int_t)oak_leak_count(r, OAK_LEAKED), "suspects", (json_int_t)oak_leak_count(r, OAK_SUSPECT),
        "goroutines", (json_int_t)goroutines, "pause_ns", (json_int_t)oak_leak_pause(r), "duration_ns",
        (json_int_t)oak_leak_duration(r), "exact_heap", oak_leak_exact_heap(r), "nothing_provable",
        r->lost != OAK__LOST_NOTHING, "blocks", blocks, "found", all);
    return write_out(root, out);
}

static json_t *step(const struct oak__why_live *w, size_t i)
{
    static const char *const kinds[] = {"memory", "registers", "thread",    "thread_local", "block",
                                        "stack",  "context",   "goroutine", "kernel"};
    static const char *const hows[] = {"itself",  "reference", "owner",  "waits", "holder",
                                       "context", "parent",    "member", "child"};
    const struct oak__step *s = &w->chain.step[i];
    const bool of_goroutine = s->kind == OAK__STEP_STACK || (s->kind == OAK__STEP_GOROUTINE && !s->thread);
    char text[512];
    oak__step_text(w, i, text, sizeof text);
    return json_pack("{s:s, s:s, s:o, s:o, s:I, s:o, s:o, s:o}", "kind", kinds[s->kind], "keeps_by",
                     hows[s->how], "goroutine", of_goroutine ? json_integer((json_int_t)s->id) : json_null(),
                     "block", address((const void *)s->at), "block_bytes", (json_int_t)s->size, "reference",
                     address((const void *)s->ref), "allocated_at", place((const void *)s->site), "text",
                     text_or_null(text));
}

int leaks_json_why_live(const oak_leak_report *r, FILE *out)
{
    const struct oak__why_live *w = r->why_live;
    const struct oak__leak_entry *leaked = oak__why_live_leaked(r);
    char why[512] = "";
    json_t *chain = json_array();
    for (size_t i = 0; i < w->chain.n && !leaked; i++)
        json_array_append_new(chain, step(w, i));
    if (leaked)
        oak__why_text(leaked, r->now, why, sizeof why);
    return write_out(json_pack("{s:i, s:I, s:b, s:o, s:I, s:o}", "version", 1, "id", (json_int_t)w->id,
                               "leaked", leaked != NULL, "why_leaked",
                               leaked ? text_or_null(why) : json_null(), "left_out",
                               (json_int_t)w->chain.left_out, "chain", chain),
                     out);
}

#endif
