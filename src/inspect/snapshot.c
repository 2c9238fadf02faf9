/*
 * Looking at a goroutine that goes on meanwhile.
 *
 * Descriptors are type-stable, so reading one never faults; it may tell of two goroutines at once. Three ways
 * to be sure:
 *   - A parked one is held (park.h): nobody can wake it, so all that it owns stays as it is: stack, scope,
 * context, name. Held for as long as it takes to copy, no lock is taken meanwhile (a canceller may hold its
 * context's lock and spin for us).
 *   - A runnable one is read without holding anything and judged afterwards: the copy counts if it was
 * runnable before and after with the same wait, stack pointer and id.
 *   - A running one has no stack to look at; its descriptor's fields stand still while its id does.
 */
#include "inspect/snapshot.h"

#include "inspect/peek.h"
#include "inspect/symbol.h"
#include "inspect/walk.h"
#include "sched/m.h"
#include "sched/park.h"
#include "sched/stats.h"
#include "stack/away.h"

#include <oakum/ctx.h>
#include <string.h>

enum { TRIES = 200 };

static const char *copy_text(char *to, size_t size, const char *from, bool stable)
{
    if (!from)
        return NULL;
    if (stable) {
        oak__symbol_copy(to, size, from);
        return to;
    }
    /* Byte by byte: the text may end just before unmapped memory. */
    for (size_t i = 0; i < size; i++)
        if (!oak__peek(&to[i], from + i, 1))
            return NULL;
        else if (!to[i])
            return to;
    to[size - 1] = 0;
    return to;
}

/* What the descriptor says. The fields are written before the goroutine can run and read here on suspicion:
 * the caller looks at the id again. */
__attribute__((no_sanitize("thread"))) static void copy_fields(struct oak__g *g,
                                                               struct oak_goroutine_info *out)
{
    out->parent = g->parent;
    out->created_at = g->created_at;
    out->entry = g->fn;
    out->scope = load_relaxed(&g->scope);
}

static void copy_strings(struct oak__g *g, bool stable, struct oak_goroutine_info *out,
                         struct oak__strings *s)
{
    const struct oak_scope *scope = out->scope;
    out->name = copy_text(s->name, sizeof s->name, load_relaxed(&g->name), stable);
    out->scope_name = NULL;
    if (scope && stable)
        out->scope_name = copy_text(s->scope_name, sizeof s->scope_name, oak__scope_name(scope), true);
}

/*
 * The stack of a goroutine that was switched away, from the caller of the switching function on: which of
 * that one's switches it was depends on what ran next, says nothing, and would set apart goroutines that are
 * alike. A stack that was put away (stack/away.h) is read in its record, which stays while g is held.
 */
__attribute__((no_sanitize("thread", "address"))) static int copy_frames(struct oak__g *g, bool held,
                                                                         const void **frames)
{
    const char *sp = g->sp, *lo = g->stack_lo, *hi = oak__g_stack_hi(g);
    const void *pc, *fp;
    const struct oak__kept *away = held ? oak__away_kept(lo) : NULL;
    if (away) {
        oak__g_saved_frame(away->bytes, &pc, &fp);
        return oak__walk_moved(fp, away->sp, away->sp + away->size, away->bytes - away->sp, frames,
                               OAK_MAX_FRAMES);
    }
    if (!sp || sp < lo || sp >= hi || (size_t)(hi - sp) < OAK__SWITCH_WORDS * sizeof(void *))
        return 0;
    oak__g_saved_frame(sp, &pc, &fp);
    return oak__walk(fp, sp, hi, frames, OAK_MAX_FRAMES);
}

/* g is parked and stays so. */
static void copy_wait(struct oak__g *g, struct oak_goroutine_info *out)
{
    out->state = OAK_STATE_WAITING;
    out->reason = (enum oak_wait_reason)load_relaxed(&g->reason);
    out->wait_object = load_relaxed(&g->wait_object);
    out->wait_since = load_relaxed(&g->wait_since);
    out->has_deadline = load_relaxed(&g->timer.wheel) != NULL;
}

static void copy_parked(struct oak__g *g, struct oak_goroutine_info *out, struct oak__strings *strings)
{
    copy_fields(g, out);
    copy_strings(g, true, out, strings);
    copy_wait(g, out);
    out->nframes = copy_frames(g, true, out->frames);
}

/* True: done. False: it is not parked at this moment. */
static bool look_at_parked(struct oak__g *g, struct oak_goroutine_info *out, struct oak__strings *strings,
                           enum oak__view view)
{
    if (!oak__wait_hold(g))
        return false;
    out->id = load_acquire(&g->id);
    copy_parked(g, out, strings);
    struct oak_ctx *ctx = view == OAK__VIEW_LIVE ? oak_ctx_ref(load_relaxed(&g->ctx)) : NULL;
    oak__wait_release(g);
    if (ctx && oak_ctx_deadline(ctx) != OAK_FOREVER)
        out->has_deadline = true;
    oak_ctx_unref(ctx);
    return true;
}

/* Nobody moves, so nobody need be held; on its way to park it has not left its registers yet. */
static void look_at_frozen(struct oak__g *g, struct oak_goroutine_info *out, struct oak__strings *strings)
{
    enum oak__wait_phase phase = OAK__W_PHASE(load_acquire(&g->wait));
    copy_parked(g, out, strings);
    if (phase == OAK__W_ARMED || phase == OAK__W_CLAIMED_EARLY)
        out->nframes = 0;
}

__attribute__((no_sanitize("thread"))) static bool same_rest(struct oak__g *g, uint64_t wait, const void *sp)
{
    fence_acquire();
    return load_acquire(&g->status) == OAK__G_RUNNABLE && load_acquire(&g->wait) == wait && g->sp == sp;
}

__attribute__((no_sanitize("thread"))) static void look_at_runnable(struct oak__g *g,
                                                                    struct oak_goroutine_info *out)
{
    uint64_t wait = load_acquire(&g->wait);
    const void *sp = g->sp;
    out->state = OAK_STATE_RUNNABLE;
    out->nframes = copy_frames(g, false, out->frames);
    if (!same_rest(g, wait, sp))
        out->nframes = 0;
}

static bool is_caller(const struct oak__g *g)
{
    struct oak__m *m = oak__m_self();
    return m && load_relaxed(&m->g) == g;
}

/* Neither held nor at rest: what can be said of it while it moves. The one that looks is running, P or not */
static void look_at_moving(struct oak__g *g, enum oak__g_status status, struct oak_goroutine_info *out)
{
    if (status == OAK__G_RUNNABLE)
        look_at_runnable(g, out);
    else if (status == OAK__G_RUNNING && !is_caller(g) && !oak__g_has_p(g))
        out->state = OAK_STATE_SYSCALL;
    else
        out->state = OAK_STATE_RUNNING;
}

static bool look(struct oak__g *g, struct oak_goroutine_info *out, struct oak__strings *strings,
                 enum oak__view view)
{
    enum oak__g_status status = (enum oak__g_status)load_acquire(&g->status);
    for (int i = 0; i < TRIES && status == OAK__G_WAITING; i++) {
        if (view == OAK__VIEW_FROZEN) {
            look_at_frozen(g, out, strings);
            return true;
        }
        if (look_at_parked(g, out, strings, view))
            return true;
        /* On its way to park, or claimed and not yet queued: some instructions, unless its thread was
         * interrupted. */
        cpu_relax();
        status = (enum oak__g_status)load_acquire(&g->status);
    }
    if (status == OAK__G_FREE)
        return false;
    copy_fields(g, out);
    look_at_moving(g, status, out);
    copy_strings(g, view == OAK__VIEW_FROZEN || is_caller(g), out, strings);
    return true;
}

bool oak__snapshot(struct oak__g *g, uint64_t id, enum oak__view view, struct oak_goroutine_info *out,
                   struct oak__strings *strings)
{
    uint64_t before = load_acquire(&g->id);
    memset(out, 0, sizeof *out);
    out->id = before;
    if (before == 0 || (id != 0 && before != id) || !look(g, out, strings, view))
        return false;
    fence_acquire();
    return out->id == before && load_acquire(&g->id) == before;
}
