/* Children that do not end although their scope was cancelled are named: who, since when, where, from where.
 */
#include "base/os.h"
#include "inspect/report.h"
#include "inspect/symbol.h"
#include "scope/scope.h"

#include <stdio.h>
#include <unistd.h>

enum { NAMED = 16 };

struct overrun {
    struct oak_scope *scope;
    int64_t limit;
    char where[256]; /* it was opened */
    int n;           /* children; the first of them in picture */
    struct oak__picture picture[NAMED];
};

static void find_children(struct overrun *o)
{
    struct oak_scope *s = o->scope;
    oak__enter();
    lock(&s->lock);
    for (struct oak__link *l = s->children.next; l && l != &s->children; l = l->next) {
        struct oak__g *g = container_of(l, struct oak__g, scope_link);
        if (o->n < NAMED)
            o->picture[o->n] = (struct oak__picture){.g = g, .id = load_relaxed(&g->id)};
        o->n++;
    }
    unlock(&s->lock);
    oak__exit();
}

static void say(void *arg)
{
    const struct overrun *o = arg;
    const struct oak_scope *s = o->scope;
    dprintf(STDERR_FILENO, "oakum: scope%s%s opened at %s: %d %s not ended %.3f s after it was cancelled:\n",
            s->opts.name ? " " : "", s->opts.name ? s->opts.name : "", o->where, o->n,
            o->n == 1 ? "child has" : "children have", (double)o->limit / (double)OAK_SECOND);
    for (int i = 0; i < o->n && i < NAMED; i++)
        oak__picture_print(&o->picture[i], STDERR_FILENO, "  ");
    if (o->n > NAMED)
        dprintf(STDERR_FILENO, "  and %d more\n", o->n - NAMED);
}

void oak__scope_name_overrun(struct oak_scope *s, int64_t limit)
{
    struct overrun *o = oak__calloc(sizeof *o);
    if (!o) {
        static const char text[] = "oakum: children of a scope overrun; no memory to name them\n";
        (void)!write(STDERR_FILENO, text, sizeof text - 1);
        return;
    }
    o->scope = s;
    o->limit = limit;
    find_children(o);
    oak__pictures_take(o->picture, o->n < NAMED ? o->n : NAMED);
    if (o->n) {
        oak_symbolize(s->opened_at, o->where, sizeof o->where);
        oak__on_deep_stack(say, o);
    }
    oak__free(o);
}
