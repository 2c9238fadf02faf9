/*
 * A stack as its owner thinks of it: the public call in which it is blocked, then the user's own frames. What
 * lies between (the runtime's insides, the trampoline a task starts from) says nothing to a user.
 */
#include "inspect/print.h"
#include "inspect/symbol.h"

#include <string.h>

/* What a function that stands behind a macro is called by those who write it. */
static const struct {
    const char *inside, *name;
} macros[] = {
    {"oak__chan_send", "oak_send"},      {"oak__chan_recv", "oak_recv"},
    {"oak_select_n", "oak_select"},      {"oak__go_scope", "oak_go"},
    {"oak__scope_leave", "oak_scope"},   {"oak__go_detached", "oak_go_detached"},
    {"oak__defer_leave", "oak_defer"},   {"oak__blocking_end", "oak_blocking"},
    {"oak__chan_free", "oak_chan_free"},
};

/* The call that a wait reason comes from, where the stack does not show it (a tail call, no symbols). */
static const char *call_of_reason(enum oak_wait_reason r)
{
    switch (r) {
    case OAK_WAIT_CHAN_SEND:
    case OAK_WAIT_CHAN_SEND_NIL:
        return "oak_send";
    case OAK_WAIT_CHAN_RECV:
    case OAK_WAIT_CHAN_RECV_NIL:
        return "oak_recv";
    case OAK_WAIT_SELECT:
    case OAK_WAIT_SELECT_EMPTY:
        return "oak_select";
    case OAK_WAIT_SLEEP:
        return "oak_sleep";
    case OAK_WAIT_MUTEX:
        return "oak_mutex_lock";
    case OAK_WAIT_RWMUTEX_W:
        return "oak_rwmutex_lock";
    case OAK_WAIT_RWMUTEX_R:
        return "oak_rwmutex_rlock";
    case OAK_WAIT_COND:
        return "oak_cond_wait";
    case OAK_WAIT_WAITGROUP:
        return "oak_waitgroup_wait";
    case OAK_WAIT_ONCE:
        return "oak_once_do";
    case OAK_WAIT_SEMAPHORE:
        return "oak_sem_acquire";
    case OAK_WAIT_SCOPE:
        return "oak_scope";
    case OAK_WAIT_SCOPE_LIMIT:
        return "oak_go";
    default:
        return NULL;
    }
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The public name of a function of the runtime, or NULL. */
const char *oak__print_public_name(const char *function)
{
    for (size_t i = 0; i < countof(macros); i++)
        if (strcmp(function, macros[i].inside) == 0)
            return macros[i].name;
    return starts_with(function, "oak_") && !starts_with(function, "oak__") ? function : NULL;
}

struct printer {
    struct oak__out *o;
    const struct oak__style *st;
    const struct oak_goroutine_info *g;
    int lines;
    bool user;         /* a frame of the user's has been met */
    char call[96];     /* the runtime's outermost frame above the user's first, if it is public */
    char previous[96]; /* the user's function printed last */
};

/* OAK_TASK(f) makes f__entry, which only calls f (and usually has f inlined into it). */
void oak__print_strip_entry(char *function)
{
    static const char tail[] = "__entry";
    size_t n = strlen(function), t = sizeof tail - 1;
    if (n > t && strcmp(function + n - t, tail) == 0)
        function[n - t] = 0;
}

static void print_first(struct printer *p, const char *place)
{
    const char *call = p->call[0] ? p->call : call_of_reason(p->g->reason);
    if (p->g->state != OAK_STATE_WAITING)
        oak__outf(p->o, "%s    at %s\n", p->st->indent, place);
    else if (call)
        oak__outf(p->o, "%s    blocked in %s at %s\n", p->st->indent, call, place);
    else
        oak__outf(p->o, "%s    blocked at %s\n", p->st->indent, place);
}

/* A frame of the runtime: whether it is of interest. Below the user's first one only what calls the user back
 * is (oak_recover, oak_once_do). Above, the outermost public one is remembered. */
static bool runtime_frame_shown(struct printer *p, const char *function)
{
    const char *name = oak__print_public_name(function);
    if (p->user)
        return name != NULL;
    oak__symbol_copy(p->call, sizeof p->call, name);
    return p->st->inside;
}

static void print_frame(struct printer *p, struct oak__symbol *s, const void *pc)
{
    char place[320];
    if (s->runtime && !runtime_frame_shown(p, s->function))
        return;
    p->user = p->user || !s->runtime;
    size_t full = strlen(s->function);
    oak__print_strip_entry(s->function);
    if (strlen(s->function) < full && strcmp(s->function, p->previous) == 0)
        return;
    oak__symbol_copy(p->previous, sizeof p->previous, s->function);
    oak__symbol_text(s, pc, place, sizeof place);
    if (p->lines++ == 0)
        print_first(p, place);
    else
        oak__outf(p->o, "%s      from %s\n", p->st->indent, place);
}

enum { INLINED = 6 };

static void print_plain(struct printer *p, const void *pc)
{
    struct oak__symbol s;
    oak__symbol_plain(pc, OAK__PC_RETURN, &s);
    print_frame(p, &s, pc);
}

/* Apart from print_plain so that only this one needs the stack for so many symbols. */
static NOINLINE void print_deep(struct printer *p, const void *pc)
{
    struct oak__symbol s[INLINED];
    int n = oak__symbols_at(pc, OAK__PC_RETURN, s, INLINED);
    for (int i = 0; i < n; i++)
        print_frame(p, &s[i], pc);
}

static NOINLINE void print_entry_point(struct oak__out *o, const struct oak__style *st,
                                       const struct oak_goroutine_info *g)
{
    struct oak__symbol s;
    char place[320];
    if (!g->entry)
        return;
    if (st->plain)
        oak__symbol_plain(g->entry, OAK__PC_EXACT, &s);
    else
        oak__symbols_at(g->entry, OAK__PC_EXACT, &s, 1);
    oak__symbol_text(&s, g->entry, place, sizeof place);
    oak__outf(o, "%s    %s %s\n", st->indent, g->state == OAK_STATE_RUNNABLE ? "will start" : "runs", place);
}

void oak__print_stack(struct oak__out *o, const struct oak__style *st, const struct oak_goroutine_info *g)
{
    struct printer p = {.o = o, .st = st, .g = g};
    for (int i = 0; i < g->nframes; i++)
        if (st->plain)
            print_plain(&p, g->frames[i]);
        else
            print_deep(&p, g->frames[i]);
    if (p.lines > 0)
        return;
    const char *call = p.call[0] ? p.call : call_of_reason(g->reason);
    if (g->state == OAK_STATE_WAITING && call)
        oak__outf(o, "%s    blocked in %s\n", st->indent, call);
    print_entry_point(o, st, g);
}
