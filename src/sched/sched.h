/*
 * The scheduler's face to the rest of the library.
 *
 * Entered. Between oak__enter() and oak__exit() the calling thread is in the runtime: a worker then surely
 * holds a P, and the monitor does not take it away. User code never runs entered. Entered sections are short
 * and block on nothing but the runtime's own locks and oak__wait_park(). Rule of order: enter first, then
 * take locks; never enter while holding one, because entering may have to park (when the P was taken and none
 * is free). Sections do not nest.
 *
 * After anything that may park, the thread may be another one: ask oak__m_self() again, hold no M or P across
 * it.
 *
 * Without memory. A plain thread whose first use of Oakum finds no memory for its M is in the runtime without one: it
 * has no P that anybody could take, so it may take locks and wake others like anybody else. What it has not got is a
 * stand-in: nothing can be owned by it, nor wait. So who needs the goroutine that oak__enter() returns looks whether there
 * is one, and says -ENOMEM; who needs none (to close, to signal, to give back) does its work.
 *
 * Internal: every folder above sched may include it.
 */
#ifndef OAK_SCHED_SCHED_H
#define OAK_SCHED_SCHED_H

#include "sched/g.h"

struct oak_panic_info;

/* Enters and returns the calling goroutine (or the plain thread's stand-in); NULL: a plain thread without memory for
 * one, see above. */
struct oak__g *oak__enter(void);
void oak__exit(void);
/* The calling goroutine or stand-in without entering; NULL as above. */
struct oak__g *oak__self(void);
/* From here to oak__thread_allow this plain thread, which has no stand-in, gets none: in a block whose context could not be
 * made, calls that would heed it go on failing when memory is there again. They nest. */
void oak__thread_refuse(void);
void oak__thread_allow(void);
/* The same for signal handlers: NULL when this thread runs none, or is in the scheduler; the goroutine whose call it makes
 * (call.c). *entered tells whether it was interrupted inside the runtime. */
struct oak__g *oak__self_if_any(bool *entered);

/* Makes the runtime run (once): 0, -ENOMEM, -EAGAIN. Any thread; not entered. */
int oak__start(void);
bool oak__started(void);
/* It runs, and this is no child of fork: set last by oak__start. */
extern _Atomic bool oak__runs;

/* What a spawn needs. */
struct oak__spawn {
    oak__entry entry;
    const void *fn; /* for reports */
    const void *args;
    size_t args_size;
    const void *created_at;
    const char *name;
    size_t stack_size;       /* 0: default */
    struct oak_ctx *ctx;     /* ambient context of the new goroutine; NULL: background */
    struct oak_scope *scope; /* NULL: free */
};
/* Makes a goroutine and makes it runnable. Calls oak__ctx_attach / oak__scope_attach for it before it can
 * run. 0, -ENOMEM, -EAGAIN. Not entered. */
int oak__spawn(const struct oak__spawn *s);
/* The same, entered, also from a timer's call-back: the runtime has been started and the arguments fit into
 * OAK__ARGS_INLINE bytes. -EINVAL when they do not. */
int oak__spawn_entered(const struct oak__spawn *s);

/* The coarse clock: oak_now() as of the last 10 ms or so. No system call. */
int64_t oak__coarse_now(void);

/* Arms and cancels a timer of any object (contexts, connections) on this thread's P's wheel, or a common one.
 * Entered. */
void oak__timer_start(struct oak__timer *t, int64_t when, oak__timer_fn fn, uint64_t arg);
bool oak__timer_stop(struct oak__timer *t);

/* Typed tables of the runtime: descriptors that the leak proof knows by type. See base/slab.h. */

/* ---- what the folders above hand in; defined there, called by sched ---- */
/* scope/ctx.c: 0, or the error with which a blocking call of g must end (level triggered). Fast when g->ctx
 * is NULL. */
int oak__ctx_check_slow(struct oak_ctx *c);
static inline int oak__ctx_check(struct oak__g *g)
{
    struct oak_ctx *c = load_relaxed(&g->ctx);
    return likely(!c) ? 0 : oak__ctx_check_slow(c);
}
/* scope/ctx.c: g becomes / ceases to be a member of its g->ctx (reference taken / dropped). Entered. c !=
 * NULL. */
void oak__ctx_attach(struct oak_ctx *c, struct oak__g *g);
void oak__ctx_detach(struct oak_ctx *c, struct oak__g *g);
/* scope/ctx_member.c: from here to unmask the end of its context does not wake g: it has none. For waits that
 * nothing may end (a condition's re-lock, a scope's children). Entered, by g itself. */
struct oak_ctx *oak__ctx_mask(struct oak__g *g);
void oak__ctx_unmask(struct oak__g *g, struct oak_ctx *masked);
/* scope/reclaim.c: from here on each blocking call of g fails with -ECANCELED, in every block that is open on its stack:
 * g, whose wait the caller has claimed and not yet ended, has lost its contexts to ones of its own that have ended.
 * Others with the same contexts feel nothing. Not entered. */
void oak__reclaim(struct oak__g *g);
/* scope/scope.c: child bookkeeping. attach is called by oak__spawn before g can run; ended by the goroutine's
 * last act on its own stack, with the entry's result (or -ENOTRECOVERABLE and the panic's text). Entered. */
void oak__scope_attach(struct oak_scope *s, struct oak__g *g);
void oak__scope_child_ended(struct oak_scope *s, struct oak__g *g, int result, const char *panic);
/* scope/panic.c: runs entry(args) for g with the goroutine's outermost recover; returns the result and, in
 * *panic, NULL or the text (valid until the goroutine ends) when the goroutine is a scope's child. Not
 * entered. */
int oak__run_protected(struct oak__g *g, oak__entry entry, void *args, const char **panic);
/* scope/panic.c: oak_panic for a misuse found by the library: pc is the caller's call, caller_pc() in the
 * public function, and is named in the text. Not entered, no lock held. */
OAK_NORETURN void oak__panic_at(const void *pc, const char *fmt, ...) OAK_PRINTF(2, 3);
/* scope/recover.c: oak_recover for the call that a thread makes for a goroutine, as a plain one; and what *info tells, on its
 * way again, in the goroutine. Not entered. */
int oak__call_recovered(void (*fn)(void *), void *arg, struct oak_panic_info *info);
OAK_NORETURN void oak__panic_again(const struct oak_panic_info *info);
/* scope/fault.c: installs the signal handlers (once), and the alternate stack of this thread. */
void oak__faults_init(void);
void oak__faults_thread_init(void);
/* The handlers of SIGSEGV and SIGBUS are ours, not the program's. */
bool oak__faults_ours(void);

/* leak/exit.c: the check that OAK_LEAKCHECK asks for, at the process's end (set up once, when the runtime starts) and when
 * oak_run is about to return result: that, or 23. Not entered. */
void oak__leakcheck_init(void);
int oak__leakcheck_after_run(int result);

/* ---- all goroutines ---- */
/* Calls fn for every descriptor ever made (also free ones: id == 0), in no order, while others come and go.
 */
void oak__each_g(bool (*fn)(struct oak__g *g, void *arg), void *arg);

#endif
