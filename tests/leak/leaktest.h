/*
 * A scenario is played in the main goroutine: it starts goroutines by name, waits until they have settled, checks, and
 * says for each name how many were proven leaked. What it says is asserted on the test's own thread.
 */
#ifndef OAK_TESTS_LEAKTEST_H
#define OAK_TESTS_LEAKTEST_H

#include <oakum.h>

#include "base/common.h"
#include "leak/report.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scene {
    void (*play)(struct scene *s);
    oak_leak_report *report;
    int err;
    char text[1 << 16]; /* the report in words */
};

static struct scene *scene_now;

static int scene_app(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct scene *s = scene_now;
    s->play(s);
    return 0;
}

/* Starts fn(arg) under that name. */
static inline void go(const char *name, void (*fn)(void *), void *arg)
{
    const struct oak_spawn_opts o = {.name = name};
    if (oak_spawn_with(&o, fn, arg))
        abort();
}

struct settling {
    const char *name;
    int waiting, all;
};

static bool look_if_settled(const struct oak_goroutine_info *g, void *arg)
{
    struct settling *s = arg;
    if (!g->name || strcmp(g->name, s->name) != 0)
        return true;
    s->all++;
    s->waiting += g->state == OAK_STATE_WAITING;
    return true;
}

/* Until n goroutines of that name wait, and no other of that name is on its way. */
static inline void settle(const char *name, int n)
{
    struct settling s;
    do {
        oak_yield();
        s = (struct settling){.name = name};
        oak_goroutines(look_if_settled, &s);
    } while (s.waiting != n || s.all != n);
}

/* What functions called before have left below the stack pointer would be in the holes of the frames to come. */
static NOINLINE __attribute__((unused)) void scrub_stack(void)
{
    char dead[4096];
    memset(dead, 0, sizeof dead);
    __asm__ volatile("" ::"r"(dead) : "memory");
}

/* Files and lines are known where libdw is: names alone are in a program itself. */
static __attribute__((unused)) bool lines_are_known(void)
{
    char where[300];
    oak_symbolize((const void *)(uintptr_t)scene_app, where, sizeof where);
    return strstr(where, "leaktest.h:") != NULL;
}

static inline void check_now(struct scene *s)
{
    /* -EAGAIN: some thread was not stopped within a second. Who is looked at waits, and does so later as well. */
    for (int i = 0; (s->err = oak_leak_check(NULL, &s->report)) == -EAGAIN && i < 20; i++)
        (void)!oak_sleep(100 * OAK_MILLISECOND);
}

/* After play: how many of that name were proven. */
static inline int proven(const struct scene *s, const char *name)
{
    int n = 0;
    for (size_t i = 0; i < oak_leak_count(s->report, OAK_LEAKED); i++) {
        const struct oak_leak *l = oak_leak_at(s->report, i);
        n += l && l->verdict == OAK_LEAKED && l->g.name && strcmp(l->g.name, name) == 0;
    }
    return n;
}

/* The one of that name that the report has behind `after` (NULL: at all), or NULL. */
static inline const struct oak_leak *next_proven(const struct scene *s, const char *name,
                                                 const struct oak_leak *after)
{
    for (size_t i = 0; i < oak_leak_count(s->report, OAK_LEAKED); i++) {
        const struct oak_leak *l = oak_leak_at(s->report, i);
        if (after)
            after = l == after ? NULL : after;
        else if (l && l->g.name && strcmp(l->g.name, name) == 0)
            return l;
    }
    return NULL;
}

static inline const struct oak_leak *first_proven(const struct scene *s, const char *name)
{
    return next_proven(s, name, NULL);
}

static inline struct scene *play(void (*fn)(struct scene *s))
{
    static struct scene s;
    memset(&s, 0, sizeof s);
    s.play = fn;
    scene_now = &s;
    assert_int_equal(oak_run(scene_app, 0, NULL), 0);
    assert_int_equal(s.err, 0);
    assert_non_null(s.report);
    if (OAK_ASAN || OAK_TSAN)
        assert_false(oak_leak_exact_heap(s.report));
    assert_int_equal(s.report->contradicted, 0);
    FILE *f = fmemopen(s.text, sizeof s.text, "w");
    assert_int_equal(oak_leak_print(s.report, f), 0);
    fclose(f);
    return &s;
}

static inline void done(struct scene *s)
{
    oak_leak_report_free(s->report);
}

/* Plays it and asserts that of the goroutines of that name so many were proven. */
static inline void assert_proven(void (*fn)(struct scene *s), const char *name, int n)
{
    struct scene *s = play(fn);
    int found = proven(s, name);
    if (found != n)
        fprintf(stderr, "%s", s->text);
    assert_int_equal(found, n);
    done(s);
}

#endif
