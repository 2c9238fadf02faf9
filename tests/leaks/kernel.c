/* Plays one program of the corpus and compares what is proven with what is known: see kernel.h. */
#include "kernel.h"

#include <errno.h>
#include <string.h>

enum { MOST = 4096, CALM = 3, MISSED = 1, FALSE_PROOF = 2, NOTHING_LEAKED = 3, TROUBLE = 4 };
#define PATIENCE (30 * OAK_SECOND)
#define PAUSE    (2 * OAK_MILLISECOND)

enum kind { LEAKED, ALIVE, UNKNOWN };

struct look {
    uint64_t self, hash;
    int moving, others, blocked_of_fn;
    const void *fn;
    uint64_t truth[MOST];
    int ntruth;
    char unknown[256];
};

static bool among(const void *fn, const void *const *list)
{
    for (; list && *list; list++)
        if (*list == fn)
            return true;
    return false;
}

static enum kind kind_of(const struct oak_goroutine_info *g)
{
    return among(g->entry, kernel_leaks) ? LEAKED : among(g->entry, kernel_live) ? ALIVE : UNKNOWN;
}

static bool waits_for_ever(const struct oak_goroutine_info *g)
{
    return g->state == OAK_STATE_WAITING && !g->has_deadline && g->reason != OAK_WAIT_SLEEP;
}

static bool look_at(const struct oak_goroutine_info *g, void *arg)
{
    struct look *l = arg;
    if (g->id == l->self)
        return true;
    enum kind kind = kind_of(g);
    l->others++;
    l->hash = (l->hash ^ g->id ^ (uint64_t)g->wait_since) * 0x9e3779b97f4a7c15u;
    l->moving += kind != ALIVE && !waits_for_ever(g);
    l->blocked_of_fn += g->entry == l->fn && waits_for_ever(g);
    if (kind == LEAKED && l->ntruth < MOST)
        l->truth[l->ntruth++] = g->id;
    if (kind == UNKNOWN && !l->unknown[0])
        oak_symbolize(g->entry, l->unknown, sizeof l->unknown);
    return true;
}

static void look(struct look *l, const void *fn)
{
    memset(l, 0, sizeof *l);
    l->self = oak_self();
    l->fn = fn;
    if (oak_goroutines(look_at, l) < 0)
        _Exit(TROUBLE);
}

static _Noreturn void give_up(const char *what, const char *who)
{
    fprintf(stderr, "%s%s\n", what, who);
    _Exit(TROUBLE);
}

/* Sleeps, until the patience is over. */
static void wait_a_little(int64_t since, const char *what)
{
    if (oak_now() - since > PATIENCE)
        give_up("never happened: ", what);
    if (oak_sleep(PAUSE))
        give_up("sleep was refused: ", what);
}

void kernel_wait_blocked(const void *fn, int n)
{
    static struct look l;
    for (int64_t since = oak_now(); look(&l, fn), l.blocked_of_fn < n;)
        wait_a_little(since, "goroutines that wait");
}

void kernel_wait_left(int n)
{
    static struct look l;
    for (int64_t since = oak_now(); look(&l, NULL), l.others - 1 > n;) /* main's is one of the others */
        wait_a_little(since, "goroutines that end");
}

/* Until the same goroutines are blocked in the same waits, some looks in a row. */
static void settle(struct look *l)
{
    uint64_t before = 0;
    int calm = 0;
    for (int64_t since = oak_now(); calm < CALM;) {
        look(l, NULL);
        calm = l->moving == 0 && l->hash == before ? calm + 1 : 0;
        before = l->hash;
        wait_a_little(since, "rest");
    }
}

static bool is_true(const struct look *l, uint64_t id)
{
    for (int i = 0; i < l->ntruth; i++)
        if (l->truth[i] == id)
            return true;
    return false;
}

static int verdict(const struct look *l)
{
    oak_leak_report *r;
    int proven = 0, wrong = 0, err;
    for (int64_t since = oak_now(); (err = oak_leak_check(NULL, &r)) == -EAGAIN;)
        wait_a_little(since, "a check: the machine has too much to do");
    if (err)
        give_up("the check failed: ", strerror(-err));
    const struct oak_leak *leak;
    for (size_t i = 0; (leak = oak_leak_at(r, i)) && leak->verdict == OAK_LEAKED; i++)
        *(is_true(l, leak->g.id) ? &proven : &wrong) += 1;
    int missed = l->ntruth - proven;
    printf("%d leaked, %d proven, %d missed, %d false\n", l->ntruth, proven, missed, wrong);
    if (wrong || (missed && getenv("CORPUS_REPORT")))
        oak_leak_print(r, stdout);
    oak_leak_report_free(r);
    return wrong ? FALSE_PROOF : missed ? MISSED : l->ntruth || !kernel_leaks[0] ? 0 : NOTHING_LEAKED;
}

static int app(int argc, char **argv)
{
    static struct look l;
    (void)argc, (void)argv;
    if (oak_spawn(kernel, NULL))
        give_up("no goroutine", "");
    settle(&l);
    if (l.unknown[0])
        give_up("left, but neither to leak nor to live: ", l.unknown);
    return verdict(&l);
}

OAK_MAIN(app)
