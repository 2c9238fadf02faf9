/* One goroutine on a descriptor, in a process that goes on. */
#include "inspect/print.h"
#include "inspect/report.h"
#include "inspect/snapshot.h"
#include "inspect/symbol.h"
#include "inspect/walk.h"
#include "sched/inside.h"
#include "sched/sched.h"
#include "sched/stats.h"

struct one {
    struct oak__out out;
    struct oak__style style;
    struct oak_goroutine_info info;
    struct oak__strings strings;
};

static void print_one(void *arg)
{
    struct one *o = arg;
    oak__outf(&o->out, "%s", o->style.indent);
    oak__print_goroutine(&o->out, &o->style, &o->info);
    oak__outf(&o->out, "\n");
    oak__print_entry(&o->out, &o->style, &o->info, NULL);
}

void oak__report_goroutine(int fd, struct oak__g *g, const char *indent)
{
    struct one o = {.out = OAK__OUT_FD(fd), .style = {.indent = indent, .now = oak_now(), .full = true}};
    oak__text_refresh();
    oak__looking_begin();
    bool there = oak__snapshot(g, 0, OAK__VIEW_LIVE, &o.info, &o.strings);
    oak__looking_end();
    if (!there) {
        oak__outf(&o.out, "%sa goroutine that has just ended\n", indent);
        return;
    }
    /* The caller's own stack is at hand. */
    const void *fp = __builtin_frame_address(0);
    if (g == oak__self() && g->kind == OAK__G_GOROUTINE)
        o.info.nframes = oak__walk(fp, fp, oak__g_stack_hi(g), o.info.frames, OAK_MAX_FRAMES);
    oak__on_deep_stack(print_one, &o);
}
