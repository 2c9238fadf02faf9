/* Contexts and scopes: who can still cancel a wait, and who must end first. */
#include "rulestest.h"

static oak_ctx *new_context(oak_ctx *parent)
{
    oak_ctx *c = oak_ctx_new(parent);
    must(!c);
    return c;
}

/* ---- ambient contexts ---- */

/* What it knows of the context is its own reference, which goes with the block. */
OAK_TASK(receives_under, const char *, name, ints, ch, oak_ctx *, c)
{
    oak_set_name(name);
    oak_with_ctx (c) {
        oak_ctx_unref(c);
        c = NULL;
        receives(raw_of(ch));
    }
}

static NOINLINE void receive_under(const char *name, oak_ctx *c)
{
    must(oak_go_detached(receives_under, name, make(0), c));
    settle(name, 1);
}

static void build_context(const char *name, bool live)
{
    oak_ctx *c = new_context(NULL);
    if (live)
        rule_reference = c;
    receive_under(name, c);
}

/* The end of the parent is the end of the child. */
static void build_parent(const char *name, bool live)
{
    oak_ctx *parent = new_context(NULL), *middle = new_context(parent), *c = new_context(middle);
    if (live)
        rule_reference = parent;
    oak_ctx_unref(parent);
    oak_ctx_unref(middle);
    receive_under(name, c);
}

/* That of a child is not the end of the parent. */
static void build_child(const char *name, bool live)
{
    oak_ctx *c = new_context(NULL), *child = new_context(c);
    if (live)
        rule_reference = c;
    else
        rule_reference = child;
    receive_under(name, c);
}

/* A context that carries a value only. */
static void build_value(const char *name, bool live)
{
    static const char key;
    oak_ctx *parent = new_context(NULL), *c = oak_ctx_with_value(parent, &key, (void *)(uintptr_t)&key);
    must(!c);
    if (live)
        rule_reference = parent;
    oak_ctx_unref(parent);
    receive_under(name, c);
}

/* Behind a shield the outer context's end is not felt. */
OAK_TASK(receives_shielded, const char *, name, ints, ch, oak_ctx *, c)
{
    oak_set_name(name);
    oak_with_ctx (c)
        oak_shield (OAK_FOREVER)
            receives(raw_of(ch));
}

static oak_ctx *outer;

static void build_shield(const char *name, bool live)
{
    outer = new_context(NULL);
    must(oak_go_detached(receives_shielded, name, make_known(live), outer));
    settle(name, 1);
}

/* The goroutine that could cancel it is leaked itself. */
OAK_TASK(cancels_later, const char *, name, ints, ch, oak_ctx *, c)
{
    oak_set_name(name);
    receives(raw_of(ch));
    oak_ctx_cancel(c, 0);
}

static void build_leaked_canceller(const char *name, bool live)
{
    oak_ctx *c = new_context(NULL);
    must(oak_go_detached(cancels_later, name, make_known(live), oak_ctx_ref(c)));
    must(oak_go_detached(receives_under, name, make(0), c));
    settle(name, 2);
}

/* ---- what a context's end gives away ---- */

static void waits_done(void *c)
{
    char v;
    (void)!oak_recv(oak_ctx_done(c), &v);
}

static void build_done_channel(const char *name, bool live)
{
    oak_ctx *c = new_context(NULL);
    if (live)
        rule_reference = c;
    go(name, waits_done, c);
    settle(name, 1);
}

static void build_after(const char *name, bool live)
{
    oak_ctx *c = new_context(NULL);
    ints ch = make(0);
    must(!oak_ctx_after(c, sends, raw_of(ch)));
    go(name, receives, raw_of(ch));
    if (live)
        rule_reference = c;
    settle(name, 1);
}

/* ---- scopes ---- */

OAK_TASK(child, const char *, name, ints, ch)
{
    oak_set_name(name);
    receives(raw_of(ch));
}

OAK_TASK(owns_scope, const char *, name, ints, ch)
{
    oak_set_name(name);
    oak_scope (s)
        must(oak_go(s, child, name, ch));
}

static void build_scope(const char *name, bool live)
{
    must(oak_go_detached(owns_scope, name, make_known(live)));
    settle(name, 2);
}

/* Of two children one is leaked; the other one has ended. */
OAK_TASK(ends, int, unused)
{
    (void)unused;
}

OAK_TASK(owns_two, const char *, name, ints, ch)
{
    oak_set_name(name);
    oak_scope (s) {
        must(oak_go(s, ends, 0));
        must(oak_go(s, child, name, ch));
    }
}

static void build_two_children(const char *name, bool live)
{
    must(oak_go_detached(owns_two, name, make_known(live)));
    settle(name, 2);
}

OAK_TASK(owns_owner, const char *, name, ints, ch)
{
    oak_set_name(name);
    oak_scope (s)
        must(oak_go(s, owns_scope, name, ch));
}

static void build_nested(const char *name, bool live)
{
    must(oak_go_detached(owns_owner, name, make_known(live)));
    settle(name, 3);
}

/* One child at a time, and that one is leaked. */
OAK_TASK(fills_scope, const char *, name, ints, ch)
{
    oak_set_name(name);
    oak_scope (s, .limit = 1) {
        must(oak_go(s, child, name, ch));
        (void)!oak_go(s, child, name, ch);
    }
}

static void build_limit(const char *name, bool live)
{
    must(oak_go_detached(fills_scope, name, make_known(live)));
    settle(name, 2);
}

/* Somebody has the scope, and may cancel it. */
OAK_TASK(owns_known_scope, const char *, name, bool, live)
{
    oak_set_name(name);
    oak_scope (s) {
        if (live)
            rule_reference = s;
        must(oak_go(s, child, name, make(0)));
    }
}

static void build_known_scope(const char *name, bool live)
{
    must(oak_go_detached(owns_known_scope, name, live));
    settle(name, 2);
}

/* Its time will be up. */
OAK_TASK(owns_limited_scope, const char *, name, bool, live)
{
    oak_set_name(name);
    oak_scope (s, .timeout = live ? OAK_HOUR : 0)
        must(oak_go(s, child, name, make(0)));
}

static void build_limited_scope(const char *name, bool live)
{
    must(oak_go_detached(owns_limited_scope, name, live));
    settle(name, 2);
}

int main(void)
{
    static const struct rule rules[] = {
        RULE("a context that nobody can cancel", .n = 1, .build = build_context,
             .why = "nobody left can cancel its context"),
        RULE("a context whose parent nobody can cancel", .n = 1, .build = build_parent),
        RULE("a context whose child somebody can cancel", .n = 1, .build = build_child),
        RULE("a context with a value", .n = 1, .build = build_value),
        RULE("a shield", .n = 1, .build = build_shield),
        RULE("a canceller that is leaked", .n = 2, .build = build_leaked_canceller),
        RULE("a done channel", .n = 1, .build = build_done_channel, .why = "no reference to channel"),
        RULE("a function after a context's end", .n = 1, .build = build_after),
        RULE("a scope whose child is leaked", .n = 2, .build = build_scope, .why = "its scope's child"),
        RULE("a scope with two children", .n = 2, .build = build_two_children),
        RULE("scopes in scopes", .n = 3, .build = build_nested),
        RULE("a scope's limit", .n = 2, .build = build_limit),
        RULE("a scope that somebody has", .n = 2, .build = build_known_scope),
        RULE("a scope with a time limit", .n = 2, .build = build_limited_scope, .stays = true),
    };
    return run_rules(rules, countof(rules));
}
