/* Children that do not end although their scope was cancelled are named: who, since when, where, from where.
 */
#include "base/os.h"
#include "inspect/report.h"
#include "scope/scope.h"

#include <stdio.h>
#include <unistd.h>

enum { NAMED = 16 };

struct child {
    struct oak__g *g;
    uint64_t id;
};

/* Entered. How many children there are; the first of them in out. */
static int children_of(struct oak_scope *s, struct child *out)
{
    int n = 0;
    lock(&s->lock);
    for (struct oak__link *l = s->children.next; l && l != &s->children; l = l->next) {
        struct oak__g *g = container_of(l, struct oak__g, scope_link);
        if (n < NAMED)
            out[n] = (struct child){g, load_relaxed(&g->id)};
        n++;
    }
    unlock(&s->lock);
    return n;
}

void oak__scope_name_overrun(struct oak_scope *s, int64_t limit)
{
    struct child child[NAMED];
    char where[256];
    oak__enter();
    int n = children_of(s, child);
    oak__exit();
    if (n == 0)
        return;
    oak_symbolize(s->opened_at, where, sizeof where);
    dprintf(STDERR_FILENO, "oakum: scope%s%s opened at %s: %d %s not ended %.3f s after it was cancelled:\n",
            s->opts.name ? " " : "", s->opts.name ? s->opts.name : "", where, n,
            n == 1 ? "child has" : "children have", (double)limit / (double)OAK_SECOND);
    for (int i = 0; i < n && i < NAMED; i++)
        if (load_acquire(&child[i].g->id) == child[i].id) /* a descriptor may be another's by now */
            oak__report_goroutine(STDERR_FILENO, child[i].g, "  ");
    if (n > NAMED)
        dprintf(STDERR_FILENO, "  and %d more\n", n - NAMED);
}
