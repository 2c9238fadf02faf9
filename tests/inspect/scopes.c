/* oak_scopes: the tree of live scopes as a program sees it, and as the full report prints it. Only public names. */
#include "../support/goroutine.h"

#include <stdlib.h>
#include <string.h>

struct tree {
    struct oak_scope_info of[2]; /* "outer" and "inner" */
    int64_t visited;
    int found;
};

static bool note(const struct oak_scope_info *s, void *arg)
{
    struct tree *t = arg;
    int which = !s->name ? -1 : strcmp(s->name, "outer") == 0 ? 0 : strcmp(s->name, "inner") == 0 ? 1 : -1;
    expect(s->scope && s->depth >= 0 && s->owner != 0 && s->opened_at);
    if (which < 0)
        return true;
    expect(which == t->found); /* parents first */
    t->of[which] = *s;
    t->found++;
    return true;
}

static struct tree look(void)
{
    struct tree t = {.found = 0};
    t.visited = oak_scopes(note, &t);
    return t;
}

static oak_chan(int) hold;
static oak_scope *inner_scope;
static uint64_t inner_owner;
static _Atomic bool opened;

OAK_TASK(waiter)
{
    (void)!oak_recv(hold, NULL);
}

OAK_TASK(opens_another)
{
    inner_owner = oak_self();
    oak_scope (inner) {
        inner_scope = inner;
        expect(oak_go(inner, waiter) == 0 && oak_go(inner, waiter) == 0);
        opened = true;
    }
}

static void expect_line(const char *text, const char *line)
{
    if (!strstr(text, line)) {
        fprintf(stderr, "---- got\n%s\n---- expected in it\n%s\n", text, line);
        expect(!"the report has this line");
    }
}

static void expect_printed(void)
{
    char *text, line[200];
    size_t size;
    FILE *f = open_memstream(&text, &size);
    expect(f && oak_report(f, OAK_REPORT_FULL) == 0);
    fclose(f);
    snprintf(line, sizeof line, "\nscope \"outer\" of goroutine %llu, 1 child, opened at ",
             (unsigned long long)oak_self());
    expect_line(text, line);
    snprintf(line, sizeof line,
             "\n    scope \"inner\" of goroutine %llu, 2 children, closed, cancelled, opened at ",
             (unsigned long long)inner_owner);
    expect_line(text, line);
    free(text);
}

static bool stop_at_once(const struct oak_scope_info *s, void *arg)
{
    (void)s, (void)arg;
    return false;
}

TEST(scopes_are_seen_as_a_tree)
{
    hold = oak_make(int, 0);
    oak_scope (outer) {
        expect(oak_go(outer, opens_another) == 0);
        wait_until(opened);
        struct tree t = look();
        const struct oak_scope_info *o = &t.of[0], *i = &t.of[1];
        expect(t.found == 2 && t.visited == 2);
        expect(o->scope == outer && !o->parent && o->depth == 0 && o->owner == oak_self() &&
               o->children == 1);
        expect(i->scope == inner_scope && i->parent == outer && i->depth == 1 && i->owner == inner_owner);
        expect(i->children == 2 && !i->closed && i->err == 0);
        expect(oak_scopes(stop_at_once, NULL) == 1);
        oak_shield (OAK_HOUR) {
            expect(oak_scope_close(inner_scope) == 0 && oak_scope_cancel(inner_scope, 0) == 0);
            struct tree later = look();
            expect(later.found < 2 || (later.of[1].closed && later.of[1].err == -ECANCELED));
        }
    }
    expect(look().found == 0);
    expect(oak_chan_free(hold) == 0);
}

static _Atomic bool shielded;

OAK_TASK(stays)
{
    oak_shield (OAK_HOUR) {
        shielded = true;
        (void)!oak_recv(hold, NULL);
    }
}

OAK_TASK(opens_one_that_stays)
{
    inner_owner = oak_self();
    oak_scope (inner, .name = "inner", .shutdown = OAK_HOUR) {
        expect(oak_go(inner, stays) == 0 && oak_go(inner, stays) == 0);
        wait_until(shielded);
        expect(oak_scope_close(inner) == 0 && oak_scope_cancel(inner, 0) == 0);
        opened = true;
    }
}

TEST(the_full_report_prints_them)
{
    hold = oak_make(int, 0);
    opened = shielded = false;
    oak_scope (outer, .name = "outer", .policy = OAK_SUPERVISE) {
        expect(oak_go(outer, opens_one_that_stays) == 0);
        wait_until(opened);
        expect_printed();
        expect(oak_chan_close(hold) == 0);
    }
    expect(oak_chan_free(hold) == 0);
}

static bool panics(const struct oak_scope_info *s, void *arg)
{
    (void)s, (void)arg;
    oak_panic("seen");
}

static void look_and_panic(void *arg)
{
    (void)arg;
    (void)oak_scopes(panics, NULL);
}

TEST(the_call_back_may_panic)
{
    struct oak_panic_info info;
    oak_scope (s) {
        expect(oak_recover(look_and_panic, NULL, &info) == -ENOTRECOVERABLE);
    }
    expect(strcmp(info.message, "seen") == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes_are_seen_as_a_tree),
        cmocka_unit_test(the_full_report_prints_them),
        cmocka_unit_test(the_call_back_may_panic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
