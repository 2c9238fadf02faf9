#include "sched/sched.h"
#include "sched/stats.h"
#include "stack/away.h"

static bool count_state(struct oak__g *g, void *arg)
{
    struct oak_stats *s = arg;
    if (load_relaxed(&g->id) == 0)
        return true;
    switch ((enum oak__g_status)load_relaxed(&g->status)) {
    case OAK__G_FREE:
        break;
    case OAK__G_RUNNABLE:
        s->runnable++;
        break;
    case OAK__G_RUNNING:
        if (oak__g_has_p(g))
            s->running++;
        else
            s->syscall++;
        break;
    case OAK__G_WAITING:
        s->waiting++;
        break;
    }
    return true;
}

int oak_stats_read(struct oak_stats *out)
{
    if (!out)
        return -EINVAL;
    *out = (struct oak_stats){.created = 0};
    if (!oak__started())
        return 0;
    struct oak__sched_stats s;
    oak__sched_stats(&s);
    out->created = s.created;
    out->ended = s.ended;
    out->procs = s.procs;
    out->threads = s.threads;
    out->stack_bytes = s.stack_bytes;
    out->descriptor_bytes = s.descriptor_bytes;
    out->stacks_away = oak__away_count();
    oak__each_g(count_state, out);
    return 0;
}
