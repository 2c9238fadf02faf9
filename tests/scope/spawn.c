/* The forms of starting a goroutine, and what it is started with. */
#include "../support/goroutine.h"

#include "base/os.h"
#include "scope/scope.h"

#include <stdlib.h>
#include <string.h>

struct seen {
    _Atomic int runs;
    const char *name;
    oak_scope
        *scope;
    oak_ctx *ctx;
    const void *fn, *created_at;
    char *stack_lo, *here;
};

static void look(void *arg)
{
    struct seen *s = arg;
    char here;
    struct oak__g *g = oak__self();
    expect(oak_in_goroutine());
    s->name = load_relaxed(&g->name);
    s->scope = oak_scope_current();
    s->ctx = oak_ctx_current();
    s->fn = g->fn;
    s->created_at = g->created_at;
    s->stack_lo = g->stack_lo;
    s->here = &here;
    s->runs++;
}

static bool created_here(const struct seen *s, void (*fn)(void))
{
    char *at = (char *)(uintptr_t)s->created_at, *f = (char *)(uintptr_t)fn;
    return at > f && at < f + 4096;
}

static void plain_spawn_body(void);
static void plain_spawn_body(void)
{
    struct seen s = {0};
    oak_with_timeout (OAK_HOUR)
        oak_scope (unrelated) {
            expect(oak_spawn(look, &s) == 0);
            wait_until(s.runs == 1);
        }
    expect(s.name == NULL && s.scope == NULL && s.ctx == NULL);
    expect(s.fn == (void *)(uintptr_t)look && created_here(&s, plain_spawn_body));
}

TEST(plain_spawn_is_free_of_scopes_and_contexts)
{
    plain_spawn_body();
}

TEST(options_are_what_the_goroutine_gets)
{
    struct seen s = {0};
    oak_scope (mine) {
        expect(oak_spawn_with(&(struct oak_spawn_opts){.name = "n", .stack_size = 1 << 20, .scope = mine},
                              look, &s) == 0);
        expect(oak_scope_wait(mine) == 0);
        expect(s.runs == 1 && strcmp(s.name, "n") == 0 && s.scope == mine && s.ctx == oak_scope_ctx(mine));
        expect(s.here - s.stack_lo > 900 * 1024);
    }
    expect(oak_spawn_with(&(struct oak_spawn_opts){0}, look, &s) == 0);
    wait_until(s.runs == 2);
    expect(s.name == NULL && s.scope == NULL && s.here - s.stack_lo < 900 * 1024);
}

TEST(wrong_arguments_are_refused)
{
    expect(oak_spawn(NULL, NULL) == -EINVAL);
    expect(oak_spawn_with(NULL, look, NULL) == -EINVAL);
    expect(oak_spawn_with(&(struct oak_spawn_opts){0}, NULL, NULL) == -EINVAL);
    expect(oak_spawn_with(&(struct oak_spawn_opts){.stack_size = (size_t)1 << 40}, look, NULL) == -EINVAL);
    expect(oak__go_scope(NULL, (oak__entry)(uintptr_t)abs, NULL, NULL, 0) == -EINVAL);
    expect(oak__go_detached(NULL, NULL, NULL, 0) == -EINVAL);
    oak_scope (s) {
        expect(oak__go_scope(s, NULL, NULL, NULL, 0) == -EINVAL);
        expect(oak_spawn_with(&(struct oak_spawn_opts){.scope = s, .stack_size = (size_t)1 << 40}, look,
                              NULL) == -EINVAL);
        expect(s->running == 0);
    }
}

/* ---- typed tasks ---- */

struct wide {
    long v[40]; /* does not fit into a descriptor */
};

static _Atomic long sum;

OAK_TASK(none, int, zero)
{
    sum += zero;
}
OAK_TASK(six, char, a, short, b, int, c, long, d, double, e, const char *, f)
{
    sum += a + b + c + d + (long)e + (long)strlen(f);
}
OAK_TASK(by_value, struct wide, w, int, i)
{
    sum += w.v[i];
}
OAK_TASK_ERR(gives_result, int, n)
{
    return n;
}

TEST(arguments_are_copied_when_it_is_started)
{
    struct wide w = {{0}};
    int err = 0;
    sum = 0;
    oak_scope (s, .policy = OAK_SUPERVISE, .err = &err) {
        expect(oak_go(s, none, 0) == 0);
        expect(oak_go(s, six, 1, 20, 300, 4000, 50000.5, "123456") == 0);
        for (int i = 0; i < 40; i++) {
            w.v[i] = 1000000;
            expect(oak_go(s, by_value, w, i) == 0);
            w.v[i] = -1;
        }
        expect(oak_go(s, gives_result, 3) == 0);
        expect(oak_go(s, gives_result, -3) == 0);
    }
    expect(sum == 40 * 1000000 + 54321 + 6);
    expect(err == -3);
    expect(oak_go_detached(six, 1, 20, 300, 4000, 50000.5, "123456") == 0);
    wait_until(sum == 40 * 1000000 + 2 * (54321 + 6));
}

TEST(no_memory_for_large_arguments_is_said)
{
    struct wide w = {{0}};
    oak__fault_set(OAK__FAULT_MALLOC, 0, 1, ENOMEM);
    expect(oak_go_detached(by_value, w, 0) == -ENOMEM);
    expect(oak_go_detached(by_value, w, 0) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_spawn_is_free_of_scopes_and_contexts),
        cmocka_unit_test(options_are_what_the_goroutine_gets),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(arguments_are_copied_when_it_is_started),
        cmocka_unit_test(no_memory_for_large_arguments_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
