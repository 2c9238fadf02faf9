/* A scope as its children see it: places, ends, errors, and what one child's end does to the others. */
#include "base/os.h"
#include "scope/scope.h"

/* Successes after which the rest is not needed any more; 0: all are. */
static uint32_t needed(const struct oak_scope *s)
{
    if (s->opts.policy == OAK_RACE)
        return 1;
    if (s->opts.policy == OAK_QUORUM)
        return s->opts.quorum ? s->opts.quorum : 1;
    return 0;
}

int oak__scope_result(struct oak_scope *s)
{
    oak__enter();
    lock(&s->lock);
    uint32_t want = needed(s);
    int err = want && s->successes >= want ? 0 : s->nfailures ? s->first.e.err : oak_ctx_err(s->ctx);
    if (!err && s->successes < want)
        err = -ECHILD;
    unlock(&s->lock);
    oak__exit();
    return err;
}

/* ---- places ---- */

/* Whether a child may be started at all. */
static int admission(const struct oak_scope *s)
{
    return s->closed ? -EPIPE : oak_ctx_err(s->ctx);
}

/* Under the lock. A place becomes free: the first who waits for one has it, or it is gone; who must be told.
 */
static struct oak__waiter *pass_place_on(struct oak_scope *s)
{
    struct oak__waiter *w = waitq_claim_first(&s->limit_wait);
    if (!w && --s->running == 0)
        w = waitq_claim_first(&s->idle_wait);
    return w;
}

/* Entered. g: a child that has ended, or NULL. */
static void give_place(struct oak_scope *s, struct oak__g *g)
{
    lock(&s->lock);
    if (g)
        list_remove(&g->scope_link);
    struct oak__waiter *w = pass_place_on(s);
    unlock(&s->lock);
    if (w)
        oak__wait_wake(w->g, 0);
}

void oak__scope_give_place(struct oak_scope *s)
{
    oak__enter();
    give_place(s, NULL);
    oak__exit();
}

/* Entered. */
static int take_place(struct oak_scope *s, struct oak__g *g)
{
    lock(&s->lock);
    int err = admission(s);
    bool room = s->opts.limit == 0 || (s->running < s->opts.limit && list_empty(&s->limit_wait));
    if (err || room) {
        s->running += !err;
        unlock(&s->lock);
        return err;
    }
    struct oak__waiter *w = oak__wait_begin(g, OAK_WAIT_SCOPE_LIMIT, s, OAK_FOREVER);
    waitq_push(&s->limit_wait, w);
    unlock(&s->lock);
    err = waitq_park(g, w, &s->limit_wait, &s->lock);
    if (!err && (err = admission(s)))
        give_place(s, NULL);
    return err;
}

int oak__scope_take_place(struct oak_scope *s)
{
    struct oak__g *g = oak__enter();
    if (!g)
        return -ENOMEM;
    int err = oak__ctx_check(g);
    if (!err)
        err = take_place(s, g);
    oak__exit();
    return err;
}

int oak_scope_close(oak_scope *s)
{
    if (!scope_ok(s))
        return -EINVAL;
    struct wakelist refused = {0};
    oak__enter();
    lock(&s->lock);
    s->closed = true;
    waitq_claim_all(&s->limit_wait, &refused);
    unlock(&s->lock);
    wake_all_with(&refused, -EPIPE);
    oak__exit();
    return 0;
}

/* ---- ends and errors ---- */

/* Under the lock. panic: owned, freed if it is not kept. */
static void record(struct oak_scope *s, int err, const struct oak__g *g, const char *panic)
{
    struct oak__scope_failure *f = s->nfailures ? NULL : &s->first;
    if (!f && s->nfailures < OAK__SCOPE_MAX_ERRORS)
        f = oak__malloc(sizeof *f);
    if (!f) {
        oak__free((void *)(uintptr_t)panic);
        return;
    }
    *f = (struct oak__scope_failure){.e = {.err = err, .panic = panic}};
    if (g) {
        f->e.goroutine = load_relaxed(&g->id);
        f->e.name = load_relaxed(&g->name);
    }
    if (s->nfailures++)
        s->last->next = f;
    s->last = f;
}

/* Writes a result down and cancels the others if the policy says so. Entered; the scope cannot be left
 * meanwhile. */
static void judge(struct oak_scope *s, const struct oak__g *g, int result, const char *panic)
{
    lock(&s->lock);
    bool enough;
    if (result < 0) {
        record(s, result, g, panic);
        enough = s->opts.policy == OAK_FAIL_FAST;
    } else {
        enough = ++s->successes == needed(s);
    }
    unlock(&s->lock);
    if (enough)
        oak__ctx_end(s->ctx, -ECANCELED, result < 0 ? result : -ECANCELED);
}

void oak__scope_attach(struct oak_scope *s, struct oak__g *g)
{
    lock(&s->lock);
    list_push_back(&s->children, &g->scope_link);
    unlock(&s->lock);
}

void oak__scope_child_ended(struct oak_scope *s, struct oak__g *g, int result, const char *panic)
{
    judge(s, g, result, panic);
    give_place(s, g);
}

int oak_scope_fail(oak_scope *s, int err)
{
    if (!scope_ok(s) || err >= 0)
        return -EINVAL;
    judge(s, oak__enter(), err, NULL);
    oak__exit();
    return 0;
}

int oak_scope_error_at(oak_scope *s, size_t i, struct oak_scope_error *out)
{
    if (!scope_ok(s) || !out)
        return -EINVAL;
    oak__enter();
    lock(&s->lock);
    const struct oak__scope_failure *f = s->nfailures ? &s->first : NULL;
    while (f && i--)
        f = f->next;
    if (f)
        *out = f->e;
    unlock(&s->lock);
    oak__exit();
    return f ? 0 : -ENOENT;
}

void oak__scope_free_failures(struct oak_scope *s)
{
    if (!s->nfailures)
        return;
    struct oak__scope_failure *f = s->first.next;
    oak__free((void *)(uintptr_t)s->first.e.panic);
    while (f) {
        struct oak__scope_failure *next = f->next;
        oak__free((void *)(uintptr_t)f->e.panic);
        oak__free(f);
        f = next;
    }
}
