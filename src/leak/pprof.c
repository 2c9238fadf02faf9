/*
 * The leaked goroutines as a profile of the type goroutineleak, as Go 1.27 writes it: a sample for those that are alike,
 * its value their number. Labels say what Go's profile does not know.
 */
#include "leak/report.h"

#include "inspect/group.h"
#include "inspect/out.h"
#include "inspect/pprof.h"
#include "inspect/print.h"
#include "inspect/symbol.h"

#include <time.h>

struct profiling {
    const oak_leak_report *r;
    const struct oak__pprof_code *code;
    struct oak__pb *file;
    struct oak__groups groups;
    int err;
};

static void add_sample(struct oak__pprof *p, const struct oak__group *gr)
{
    const struct oak_goroutine_info *g = &gr->first;
    char creator[512] = "";
    const void *entry = g->entry ? (const char *)g->entry + 1 : NULL; /* as if it had called something */
    const int64_t count = (int64_t)gr->count;
    if (g->created_at)
        oak_symbolize(g->created_at, creator, sizeof creator);
    const struct oak__pprof_label labels[] = {
        {.key = "wait_reason", .str = oak_wait_reason_name(g->reason)},
        {.key = "name", .str = gr->same_name ? g->name : NULL},
        {.key = "created_by", .str = creator},
        {.key = "retained", .number = (int64_t)gr->weight, .unit = "bytes"},
    };
    oak__pprof_sample(p, g->nframes ? g->frames : &entry, g->nframes ? (size_t)g->nframes : entry != NULL,
                      &count, 1, labels, countof(labels));
}

static void make(void *arg)
{
    struct profiling *x = arg;
    static const struct oak__pprof_type type = {"goroutineleak", "count"};
    struct oak__pprof p;
    struct timespec now = {.tv_sec = 0};
    x->err = oak__report_group(x->r, &x->groups);
    if (!x->err) /* program counters alone tell too much apart */
        x->err = oak__groups_describe(&x->groups, &(struct oak__style){.indent = ""});
    if (x->err)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    oak__pprof_begin(&p, &type, 1, &type, 1, x->code);
    for (size_t i = 0; i < x->groups.n; i++)
        if (x->groups.sorted[i]->tag == OAK_LEAKED)
            add_sample(&p, x->groups.sorted[i]);
    x->err = oak__pprof_end(&p, now.tv_sec * OAK_SECOND + now.tv_nsec, 0, x->file);
}

int oak__leak_profile(const oak_leak_report *r, const struct oak__pprof_code *code, struct oak__pb *file)
{
    struct profiling x = {.r = r, .code = code, .file = file};
    oak__on_deep_stack(make, &x);
    oak__groups_free(&x.groups);
    return x.err;
}

int oak__leak_pprof(const oak_leak_report *r, const struct oak__pprof_code *code, int fd)
{
    struct oak__pb file = {.data = NULL};
    int err = oak__leak_profile(r, code, &file);
    struct oak__out out = OAK__OUT_FD(fd);
    if (!err)
        oak__out_bytes(&out, (const char *)file.data, file.n);
    oak__pb_free(&file);
    return err ? err : out.err;
}

int oak_leak_pprof(const oak_leak_report *r, int fd)
{
    return oak__report_ok(r) && fd >= 0 ? oak__leak_pprof(r, NULL, fd) : -EINVAL;
}
