/*
 * What the scheduler calls in the folders above, while those are not there yet: each definition here goes
 * when its owner lands (contexts, scopes, panics, faults: scope; the check at exit: leak).
 */
#include "sched/m.h"
#include "sched/sched.h"
#include "sched/stats.h"

#include <oakum/ctx.h>

int oak__ctx_check_slow(struct oak_ctx *c)
{
    (void)c;
    return 0;
}

void oak__ctx_attach(struct oak_ctx *c, struct oak__g *g)
{
    (void)c, (void)g;
}

void oak__ctx_detach(struct oak_ctx *c, struct oak__g *g)
{
    (void)c, (void)g;
}

void oak__scope_attach(struct oak_scope *s, struct oak__g *g)
{
    (void)s, (void)g;
}

void oak__scope_child_ended(struct oak_scope *s, struct oak__g *g, int result, const char *panic)
{
    (void)s, (void)g, (void)result, (void)panic;
}

int oak__run_protected(struct oak__g *g, void *args, const char **panic)
{
    (void)panic;
    return g->entry(args);
}

void oak__faults_init(void) {}

void oak__faults_thread_init(void) {}

int oak__leakcheck_at_exit(void)
{
    return 0;
}

const char *oak__scope_name(const struct oak_scope *s)
{
    (void)s;
    return NULL;
}

oak_ctx *oak_ctx_ref(oak_ctx *c)
{
    return c;
}

void oak_ctx_unref(oak_ctx *c)
{
    (void)c;
}

int64_t oak_ctx_deadline(const oak_ctx *c)
{
    (void)c;
    return OAK_FOREVER;
}
