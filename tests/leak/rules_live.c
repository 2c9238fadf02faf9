/*
 * Waits that end by themselves, and goroutines that do not wait: never proven, though nobody else knows what they wait for.
 */
#include "rulestest.h"

#include <oakum/net.h>

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void sleeps(void *ch)
{
    if (oak_sleep(OAK_HOUR) == 0)
        sends(ch);
}

static void receives_for_an_hour(void *ch)
{
    int v;
    (void)!oak_recv_timeout((ints)(uintptr_t)ch, &v, OAK_HOUR);
}

static void sends_for_an_hour(void *ch)
{
    (void)!oak_send_timeout((ints)(uintptr_t)ch, 1, OAK_HOUR);
}

static void selects_for_an_hour(void *ch)
{
    int v;
    (void)!oak_select(oak_on_recv((ints)(uintptr_t)ch, &v), oak_on_timeout(OAK_HOUR));
}

static void has_deadline(void *ch)
{
    oak_with_timeout (OAK_HOUR)
        receives(ch);
}

static void has_shielded_deadline(void *ch)
{
    oak_shield (OAK_HOUR)
        receives(ch);
}

static void nil_with_deadline(void *unused)
{
    (void)unused;
    oak_with_timeout (OAK_HOUR)
        receives(NULL);
}

/* Two that wait for each other, of which one has a limit. */
static void one_of_a_pair(void *ch)
{
    const struct oak_spawn_opts o = {.name = "pair"};
    must(oak_spawn_with(&o, receives, ch));
    if (oak_sleep(OAK_HOUR) == 0)
        sends(ch);
}

static void locks_for_an_hour(void *unused)
{
    (void)unused;
    oak_mutex m = {0};
    must(oak_mutex_lock(&m));
    (void)!oak_mutex_lock_timeout(&m, OAK_HOUR);
}

static void reads_for_an_hour(void *unused)
{
    (void)unused;
    oak_rwmutex m = {0};
    must(oak_rwmutex_lock(&m));
    (void)!oak_rwmutex_rlock_timeout(&m, OAK_HOUR);
}

static void waits_for_an_hour(void *unused)
{
    (void)unused;
    oak_waitgroup wg = {0};
    oak_waitgroup_add(&wg, 1);
    (void)!oak_waitgroup_wait_timeout(&wg, OAK_HOUR);
}

static void acquires_for_an_hour(void *unused)
{
    (void)unused;
    oak_sem s = {0};
    (void)!oak_sem_acquire_timeout(&s, 1, OAK_HOUR);
}

static void waits_for_signal_for_an_hour(void *unused)
{
    (void)unused;
    oak_mutex m = {0};
    oak_cond c = {{0}};
    must(oak_mutex_lock(&m));
    (void)!oak_cond_wait_timeout(&c, &m, OAK_HOUR);
}

/* The other end of a pipe is as far as anybody knows open. */
static void waits_for_pipe(void *unused)
{
    (void)unused;
    int fd[2];
    must(pipe(fd));
    (void)!oak_wait_fd(fd[0], OAK_READABLE, OAK_FOREVER);
}

static void accepts(void *unused)
{
    (void)unused;
    oak_listener *l;
    oak_conn *c;
    must(oak_listen("tcp", "127.0.0.1:0", &l));
    (void)!oak_accept(l, &c);
}

static void waits_for_a_signal(void *unused)
{
    (void)unused;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    (void)!oak_wait_fd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), OAK_READABLE, OAK_FOREVER);
}

/* ---- goroutines that do not wait; they have what another one waits for ---- */

static _Atomic bool stop;

static void computes(void *ch)
{
    while (!stop)
        __asm__ volatile("" ::"r"(ch) : "memory");
    sends(ch);
}

static void yields(void *ch)
{
    while (!stop)
        oak_yield();
    sends(ch);
}

static void blocks_in_a_call(void *ch)
{
    while (!stop)
        usleep(1000);
    sends(ch);
}

static void says_it_blocks(void *ch)
{
    while (!stop)
        oak_blocking {
            usleep(1000);
        }
    sends(ch);
}

static const struct live {
    const char *name;
    void (*fn)(void *);
    bool waits; /* else it has what "partner" waits for */
} lives[] = {
    {"sleep", sleeps, true},
    {"receive with a limit", receives_for_an_hour, true},
    {"send with a limit", sends_for_an_hour, true},
    {"select with a limit", selects_for_an_hour, true},
    {"a context's deadline", has_deadline, true},
    {"a shield's deadline", has_shielded_deadline, true},
    {"a nil channel under a deadline", nil_with_deadline, true},
    {"one of a pair sleeps", one_of_a_pair, true},
    {"mutex with a limit", locks_for_an_hour, true},
    {"rwmutex with a limit", reads_for_an_hour, true},
    {"wait group with a limit", waits_for_an_hour, true},
    {"semaphore with a limit", acquires_for_an_hour, true},
    {"condition with a limit", waits_for_signal_for_an_hour, true},
    {"a pipe", waits_for_pipe, true},
    {"accept", accepts, true},
    {"a signal", waits_for_a_signal, true},
    {"it computes", computes, false},
    {"it yields", yields, false},
    {"it blocks in a call", blocks_in_a_call, false},
    {"it says that it blocks", says_it_blocks, false},
};

static const struct live *live_now;

static NOINLINE void start_live(const struct live *l)
{
    ints ch = make(0);
    if (!l->waits) {
        go("partner", receives, raw_of(ch));
        settle("partner", 1);
    }
    go(l->name, l->fn, raw_of(ch));
    if (l->waits)
        settle(l->name, 1);
}

static void play_live(struct scene *s)
{
    stop = false;
    start_live(live_now);
    check_now(s);
    stop = true;
    if (!live_now->waits)
        settle("partner", 0);
}

static void is_live(void **state)
{
    live_now = *state;
    struct scene *s = play(play_live);
    if (oak_leak_count(s->report, OAK_LEAKED))
        fprintf(stderr, "%s", s->text);
    assert_int_equal(oak_leak_count(s->report, OAK_LEAKED), 0);
    done(s);
}

/* One that has not run yet, behind one that computes on the only P, has its argument in its descriptor. */
static void play_unstarted(struct scene *s)
{
    live_now = &(const struct live){"not yet", sends, false};
    stop = false;
    for (int i = 0; i < 8; i++)
        start_live(live_now);
    check_now(s);
    settle("partner", 0);
}

static void one_that_has_not_run_is_live(void **state)
{
    (void)state;
    struct scene *s = play(play_unstarted);
    assert_int_equal(oak_leak_count(s->report, OAK_LEAKED), 0);
    done(s);
}

int main(void)
{
    struct CMUnitTest tests[countof(lives) + 1];
    for (size_t i = 0; i < countof(lives); i++)
        tests[i] = (struct CMUnitTest){lives[i].name, is_live, NULL, NULL, (void *)&lives[i]};
    tests[countof(lives)] = (struct CMUnitTest)cmocka_unit_test(one_that_has_not_run_is_live);
    return _cmocka_run_group_tests("live", tests, countof(tests), NULL, NULL);
}
