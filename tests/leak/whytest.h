/*
 * For tests of what is told of what keeps a goroutine alive. Each scene is built by a goroutine that then ends, so that
 * nothing of it is left on a live stack. Who includes it says before what its own name is, SOURCE: where variables' lines are not known,
 * they are not looked for.
 */
#ifndef OAK_TESTS_WHYTEST_H
#define OAK_TESTS_WHYTEST_H

#include "leaktest.h"

typedef oak_chan(int) ints;

static char told[1 << 14];
static int result;

struct search {
    const char *name;
    uint64_t id;
};

static bool is_named(const struct oak_goroutine_info *g, void *arg)
{
    struct search *s = arg;
    if (g->name && strcmp(g->name, s->name) == 0)
        s->id = g->id;
    return true;
}

static uint64_t id_of(const char *name)
{
    struct search s = {.name = name};
    /* Of one that moves just now the name may not be had. */
    for (int i = 0; i < 1000 && s.id == 0; i++)
        oak_goroutines(is_named, &s);
    return s.id;
}

static void ask(struct scene *s, const char *name)
{
    FILE *f = fmemopen(told, sizeof told, "w");
    result = oak_leak_why_live(id_of(name), f);
    fclose(f);
    check_now(s);
}

static void build(void (*fn)(void *))
{
    go("builder", fn, NULL);
    settle("builder", 0);
}

/* Told is each of these, in this order. */
static void assert_told(const char *const *parts, size_t n)
{
    const bool lines = lines_are_known();
    const char *at = told;
    for (size_t i = 0; i < n; i++) {
        char part[300];
        snprintf(part, sizeof part, "%s", parts[i]);
        char *line = lines ? NULL : strstr(part, SOURCE ":");
        if (line)
            *line = 0;
        const char *found = strstr(at, part);
        if (!found)
            fprintf(stderr, "not there: %s\n%s", part, told);
        assert_non_null(found);
        at = found + strlen(part);
    }
}
#define TOLD(...)                                                                                            \
    assert_told((const char *const[]){__VA_ARGS__}, countof(((const char *const[]){__VA_ARGS__})))

static void tell(void (*fn)(struct scene *s), int expected)
{
    struct scene *s = play(fn);
    if (result != expected)
        fprintf(stderr, "%d: %s", result, told);
    assert_int_equal(result, expected);
    done(s);
}

static inline void serve(void *arg)
{
    int v;
    if (oak_recv((ints)(uintptr_t)arg, &v))
        abort();
}

static NOINLINE void serve_new(const char *name, ints c)
{
    go(name, serve, (void *)(uintptr_t)c);
    settle(name, 1);
}

#endif
