/* Which goroutines the lists of function names leave out. */
#include "leak/verify.h"

#include "inspect/symbol.h"

#include <string.h>

enum { INLINED = 6 };

/* OAK_TASK(f) starts in f__entry, which often has f inlined into it. */
static bool is_function(const char *function, const char *name)
{
    size_t n = strlen(name);
    return strncmp(function, name, n) == 0 && (!function[n] || strcmp(function + n, "__entry") == 0);
}

static bool is_listed(const char *const *names, const char *function)
{
    for (; names && *names; names++)
        if (is_function(function, *names))
            return true;
    return false;
}

static bool any_listed(const char *const *names, const struct oak__symbol *s, int n)
{
    for (int i = 0; i < n; i++)
        if (is_listed(names, s[i].function))
            return true;
    return false;
}

static bool is_listed_at(const char *const *names, const void *pc, enum oak__pc_kind kind)
{
    struct oak__symbol s[INLINED];
    return names && pc && any_listed(names, s, oak__symbols_at(pc, kind, s, INLINED));
}

/* The innermost function that is the program's own. */
static const struct oak__symbol *own_function(const struct oak__symbol *s, int n)
{
    for (int i = 0; i < n; i++)
        if (!s[i].runtime)
            return &s[i];
    return NULL;
}

static bool ignores_stack(const struct oak_leak_verify_opts *opts, const struct oak_goroutine_info *g)
{
    struct oak__symbol s[INLINED];
    bool top = true;
    for (int i = 0; i < g->nframes; i++) {
        int n = oak__symbols_at(g->frames[i], OAK__PC_RETURN, s, INLINED);
        const struct oak__symbol *own = top ? own_function(s, n) : NULL;
        if ((own && is_listed(opts->ignore_top, own->function)) || any_listed(opts->ignore_any, s, n))
            return true;
        top = top && !own;
    }
    return false;
}

bool oak__verify_ignores(const struct oak_leak_verify_opts *opts, const struct oak_goroutine_info *g)
{
    return is_listed_at(opts->ignore_created_by, g->created_at, OAK__PC_RETURN) ||
           is_listed_at(opts->ignore_any, g->entry, OAK__PC_EXACT) ||
           ((opts->ignore_top || opts->ignore_any) && ignores_stack(opts, g));
}
