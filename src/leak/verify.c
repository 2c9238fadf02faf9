/*
 * oak_leak_verify_none: looks until nobody is left, or the grace is over, or somebody who is left is proven to be leaked.
 *
 * Who is left is kept in a report of its own, for the sake of its memory: checks leave that out, so looking at goroutines
 * makes no references to what they wait for.
 */
#include "leak/verify.h"

#include "inspect/symbol.h"
#include "sched/sched.h"
#include "sched/stats.h"

#include <string.h>

#define USUAL_GRACE OAK_SECOND
#define FIRST_PAUSE (100 * OAK_MICROSECOND)
#define LONGEST     (50 * OAK_MILLISECOND)
/* Most goroutines that will end do so at once: before this a proof is not worth its cost. */
#define PROOF_AFTER (20 * OAK_MILLISECOND)

enum { NOT_LOOKED_AT, LOOKED_FOR, IGNORED };

struct verifying {
    const struct oak_leak_verify_opts *opts;
    oak_leak_report *left;  /* its entries: who is left. Also the shapes of those left out */
    oak_leak_report *proof; /* of the last check; entries of left may have their shapes there */
    size_t proven, not_waited_for;
    int64_t begin, grace;
    int check_err;
    int err;
};

/* ---- who is left ---- */

static bool collect(const struct oak_goroutine_info *g, void *arg)
{
    struct verifying *v = arg;
    if (oak__mark_has(v->opts->current, g->id))
        return true;
    struct oak__leak_shape *shape = oak__shape_of(v->left, g);
    struct oak__leak_entry *e = shape ? oak__report_add(v->left) : NULL;
    if (!e) {
        v->err = -ENOMEM;
        return false;
    }
    *e = (struct oak__leak_entry){.shape = shape,
                                  .id = g->id,
                                  .parent = g->parent,
                                  .scope = g->scope,
                                  .wait_object = g->wait_object,
                                  .wait_since = g->wait_since};
    return true;
}

/* The caller and those that it descends from wait for it, not it for them. */
static void leave_out_ancestors(oak_leak_report *left)
{
    struct oak__leak_entry *e = oak__report_entry(left->entries, left->n, oak_self());
    while (e && e->shape) {
        e->shape = NULL;
        e = oak__report_entry(left->entries, left->n, e->parent);
    }
}

static bool judge(struct oak__leak_shape *s, void *arg)
{
    const struct verifying *v = arg;
    if (s->looked_at == NOT_LOOKED_AT)
        s->looked_at = oak__verify_ignores(v->opts, &s->info) ? IGNORED : LOOKED_FOR;
    return true;
}

static void judge_all(void *arg)
{
    struct verifying *v = arg;
    oak__shapes_each(v->left, judge, v);
}

static void drop(oak_leak_report *left)
{
    size_t n = 0;
    for (size_t i = 0; i < left->n; i++)
        if (left->entries[i].shape && left->entries[i].shape->looked_at != IGNORED)
            left->entries[n++] = left->entries[i];
    left->n = n;
}

static int look(struct verifying *v)
{
    const struct oak_leak_verify_opts *o = v->opts;
    v->left->n = 0;
    int64_t n = oak_goroutines(collect, v);
    if (n < 0 || v->err)
        return -ENOMEM;
    leave_out_ancestors(v->left);
    if (o->ignore_top || o->ignore_any || o->ignore_created_by)
        oak__on_deep_stack(judge_all, v);
    drop(v->left);
    v->left->goroutines = (uint64_t)n;
    return 0;
}

/* ---- who of them is leaked ---- */

static void take_proofs(struct verifying *v)
{
    oak_leak_report *left = v->left;
    for (size_t i = 0; i < left->n; i++) {
        const struct oak__leak_entry *e =
            oak__report_entry(v->proof->entries, v->proof->nleaked, left->entries[i].id);
        if (!e)
            continue;
        left->entries[i] = *e;
        v->proven++;
    }
}

static void prove(struct verifying *v)
{
    const struct oak_leak_opts opts = {.suspect_after = OAK_FOREVER, .suspect_count = UINT64_MAX};
    oak_leak_report_free(v->proof);
    v->proof = NULL;
    v->proven = 0;
    v->check_err = oak_leak_check(&opts, &v->proof);
    if (!v->check_err)
        take_proofs(v);
}

/* The others may well end yet. */
static void keep_proven(struct verifying *v)
{
    size_t n = 0;
    for (size_t i = 0; i < v->left->n; i++)
        if (v->left->entries[i].verdict == OAK_LEAKED)
            v->left->entries[n++] = v->left->entries[i];
    v->not_waited_for = v->left->n - n;
    v->left->n = n;
}

/* ---- the loop ---- */

static int wait_for_all(struct verifying *v)
{
    const int64_t end = v->grace > OAK_FOREVER - v->begin ? OAK_FOREVER : v->begin + v->grace;
    int64_t pause = FIRST_PAUSE;
    for (bool tried = false;;) {
        int64_t now = oak_now();
        int err = look(v);
        if (err || v->left->n == 0)
            return err;
        if (now >= end || (!tried && now - v->begin >= PROOF_AFTER)) {
            tried = true;
            prove(v);
            if (now >= end)
                return 0;
            if (v->proven) {
                keep_proven(v);
                return 0;
            }
        }
        (void)!oak_sleep(end - now < pause ? end - now : pause);
        pause = 2 * pause < LONGEST ? 2 * pause : LONGEST;
    }
}

static int say(struct verifying *v, FILE *out)
{
    char head[320];
    size_t n = (size_t)snprintf(
        head, sizeof head, "%zu goroutine%s left after %.1f s: %zu leaked (proven), %zu still there\n",
        v->left->n, v->left->n == 1 ? "" : "s", (double)(oak_now() - v->begin) / (double)OAK_SECOND,
        v->proven, v->left->n - v->proven);
    if (v->not_waited_for)
        n += (size_t)snprintf(head + n, sizeof head - n,
                              "%zu more had not ended yet, and were not waited for.\n", v->not_waited_for);
    if (v->check_err)
        snprintf(head + n, sizeof head - n, "Nothing is proven: the leak check could not run: %s.\n",
                 strerror(-v->check_err));
    v->left->now = oak_now();
    return oak__report_print(v->left, out ? out : stderr, head);
}

static int verify(const struct oak_leak_verify_opts *opts)
{
    struct verifying v = {.opts = opts, .grace = opts->grace ? opts->grace : USUAL_GRACE, .begin = oak_now()};
    struct oak__sched_stats now;
    oak__sched_stats(&now);
    v.left = oak__report_new(now.created - now.ended);
    if (!v.left)
        return -ENOMEM;
    int result = wait_for_all(&v);
    if (!result && v.left->n) {
        result = v.left->n < INT32_MAX ? (int)v.left->n : INT32_MAX;
        int err = say(&v, opts->out);
        if (err)
            fprintf(stderr, "oakum: goroutines are left: %d; the report cannot be written: %s\n", result,
                    strerror(-err));
    }
    oak_leak_report_free(v.left);
    oak_leak_report_free(v.proof);
    return result;
}

int oak_leak_verify_none(const struct oak_leak_verify_opts *opts)
{
    static const struct oak_leak_verify_opts usual;
    if (opts && (opts->grace < 0 || !oak__mark_ok(opts->current)))
        return -EINVAL;
    struct oak_ctx *masked = oak__leak_mask();
    int result = verify(opts ? opts : &usual);
    oak__leak_unmask(masked);
    return result;
}
