/*
 * A rule of the proof, played both ways: as it is, all are proven; with one thing more, something live that could still wake
 * them, none is; and once that is gone, all are again.
 */
#ifndef OAK_TESTS_RULESTEST_H
#define OAK_TESTS_RULESTEST_H

#include "leaktest.h"

typedef oak_chan(int) ints;

struct rule {
    const char *title, *live_title; /* and the goroutines' names */
    int n;                          /* how many are leaked */
    /* Starts them, under that name, and waits until they have settled; live: with something that keeps them alive. */
    void (*build)(const char *name, bool live);
    /* A part of the reason that one of them is given: which comes first in the report depends on who waited first. */
    const char *why;
    void (*forget)(void); /* takes away what keeps them alive; NULL: rule_reference is it */
    bool stays;           /* that cannot be taken away */
};
#define RULE(text, ...)                                                                                      \
    {                                                                                                        \
        .title = text, .live_title = text " (live)", __VA_ARGS__                                             \
    }

/* A variable of the program that has a reference. */
void *volatile rule_reference;

static const struct rule *rule_now;
static struct {
    int leaked, live, forgotten;
    char why[512];
} rule_found;

enum { MOST_EXPLAINED = 4 };
struct explained {
    const char *name;
    uint64_t id[MOST_EXPLAINED];
    int n;
};

static bool note_id(const struct oak_goroutine_info *g, void *arg)
{
    struct explained *e = arg;
    if (g->name && strcmp(g->name, e->name) == 0)
        e->id[e->n++] = g->id;
    return e->n < MOST_EXPLAINED;
}

/* Says what keeps alive those that should have been proven, now, before the next step changes it. */
static NOINLINE void rule_explain(const char *name)
{
    struct explained e = {.name = name};
    if (oak_goroutines(note_id, &e) < 0)
        return;
    for (int i = 0; i < e.n; i++)
        if (oak_leak_why_live(e.id[i], stderr) < 0)
            fprintf(stderr, "goroutine %llu: nobody knows\n", (unsigned long long)e.id[i]);
}

static NOINLINE int rule_check(struct scene *s, const char *name, int expected)
{
    scrub_stack();
    oak_leak_report_free(s->report);
    s->report = NULL;
    check_now(s);
    const int found = s->err ? -1 : proven(s, name);
    if (found >= 0 && found < expected)
        rule_explain(name);
    return found;
}

static NOINLINE void rule_build(const char *name, bool live)
{
    rule_now->build(name, live);
}

static NOINLINE void rule_forget(void)
{
    rule_reference = NULL;
    if (rule_now->forget)
        rule_now->forget();
}

/* The expected one, if anybody was given it, or anybody's. */
static void note_reason(const struct scene *s, const struct rule *r)
{
    const struct oak_leak *l = NULL;
    rule_found.why[0] = '\0';
    while ((l = next_proven(s, r->title, l))) {
        memcpy(rule_found.why, l->why, sizeof l->why);
        if (r->why && strstr(l->why, r->why))
            return;
    }
}

static void rule_play(struct scene *s)
{
    const struct rule *r = rule_now;
    rule_build(r->title, false);
    scrub_stack();
    rule_found.leaked = rule_check(s, r->title, r->n);
    note_reason(s, r);
    rule_build(r->live_title, true);
    scrub_stack();
    rule_found.live = rule_check(s, r->live_title, 0);
    if (r->stays) {
        rule_found.forgotten = r->n;
        return;
    }
    rule_forget();
    scrub_stack();
    rule_found.forgotten = rule_check(s, r->live_title, r->n);
}

static void rule_holds(void **state)
{
    const struct rule *r = rule_now = *state;
    struct scene *s = play(rule_play);
    if (rule_found.leaked != r->n || rule_found.live != 0 || rule_found.forgotten != r->n)
        fprintf(stderr, "%s: %d proven, %d with something live, %d once that is gone\n%s", r->title,
                rule_found.leaked, rule_found.live, rule_found.forgotten, s->text);
    assert_int_equal(rule_found.leaked, r->n);
    assert_int_equal(rule_found.live, 0);
    assert_int_equal(rule_found.forgotten, r->n);
    if (r->why && !strstr(rule_found.why, r->why))
        fail_msg("%s: the reason is \"%s\", not \"%s\"", r->title, rule_found.why, r->why);
    done(s);
}

static inline int run_rules(const struct rule *rules, size_t n)
{
    enum { MOST = 64 };
    struct CMUnitTest tests[MOST];
    if (OAK_ASAN || OAK_TSAN) {
        fprintf(stderr, "the heap is a sanitizer's: less is proven\n");
        return 77;
    }
    if (n > MOST)
        abort();
    for (size_t i = 0; i < n; i++)
        tests[i] = (struct CMUnitTest){rules[i].title, rule_holds, NULL, NULL, (void *)&rules[i]};
    return _cmocka_run_group_tests("rules", tests, n, NULL, NULL);
}

/* ---- parts of which rules are built ---- */

static inline void must(int err)
{
    if (err)
        abort();
}

static inline void *raw_of(ints ch)
{
    return (void *)(uintptr_t)ch;
}

static inline ints make(size_t capacity)
{
    ints ch = oak_make(int, capacity);
    if (!ch)
        abort();
    return ch;
}

/* With live the program's variable has it, too. */
static inline ints make_known(bool live)
{
    ints ch = make(0);
    if (live)
        rule_reference = raw_of(ch);
    return ch;
}

/* A mutex, a condition, and who waits for the condition with it. */
struct guarded {
    oak_mutex mu;
    oak_cond cond;
};

static inline void waits_for_signal(void *arg)
{
    struct guarded *g = arg;
    must(oak_mutex_lock(&g->mu));
    (void)!oak_cond_wait(&g->cond, &g->mu);
    oak_mutex_unlock(&g->mu);
}

static inline void *new_zeroed(size_t size, bool live)
{
    void *p = calloc(1, size);
    if (!p)
        abort();
    if (live)
        rule_reference = p;
    return p;
}

static inline void receives(void *ch)
{
    int v;
    (void)!oak_recv((ints)(uintptr_t)ch, &v);
}

static inline void sends(void *ch)
{
    (void)!oak_send((ints)(uintptr_t)ch, 1);
}

/* Starts fn(arg); with live under a context that the program's variable knows, and which somebody might cancel. */
struct rule_start {
    void (*fn)(void *);
    void *arg;
    oak_ctx *ctx;
};

static void rule_in_context(void *arg)
{
    struct rule_start s = *(struct rule_start *)arg;
    free(arg);
    oak_with_ctx (s.ctx) {
        s.ctx = NULL;
        s.fn(s.arg);
    }
}

static inline void go_cancellable(const char *name, void (*fn)(void *), void *arg, bool live)
{
    if (!live) {
        go(name, fn, arg);
        return;
    }
    struct rule_start *s = malloc(sizeof *s);
    if (!s)
        abort();
    *s = (struct rule_start){fn, arg, oak_ctx_new(NULL)};
    rule_reference = s->ctx;
    go(name, rule_in_context, s);
}

#endif
