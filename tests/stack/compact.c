/* Compact mode: stacks of goroutines that are parked for long are put away, and nothing notices. Each part has a process of its own. */
#include "../support/part.h"

#include "base/os.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <cmocka.h>

#define SOON (5 * OAK_MILLISECOND)
enum { SKIPPED = 77 };

typedef oak_chan(int) ints;

static int (*body)(void);

static int app(int argc, char **argv)
{
    (void)argc, (void)argv;
    int err = oak_compact(SOON);
    if (err == -ENOTSUP)
        return SKIPPED;
    require(err == 0);
    return body();
}

static int run(void *unused)
{
    (void)unused;
    return oak_run(app, 0, NULL);
}

/* Plays it in a child; skips the test where there is no compact mode. */
static void play(int (*fn)(void))
{
    static struct outcome o;
    body = fn;
    in_child(&o, run, NULL);
    if (exited_with(&o, SKIPPED)) {
        fprintf(stderr, "no compact mode here\n");
        skip();
    }
    if (!exited_with(&o, 0))
        fprintf(stderr, "%s\nwait status 0x%x\n", o.text, (unsigned)o.status);
    assert_true(exited_with(&o, 0));
}

/* Main sleeps in between: its own stack is put away as well, now and then. */
#define until(cond)                                                                                          \
    do {                                                                                                     \
        while (!(cond))                                                                                      \
            (void)oak_sleep(OAK_MILLISECOND);                                                                \
    } while (0)

static uint64_t away_now(void)
{
    struct oak_stats s;
    require(oak_stats_read(&s) == 0);
    return s.stacks_away;
}

/* ---- a goroutine whose local is known ---- */

static ints gate;
static _Atomic uintptr_t local_at; /* address of the parked goroutine's variable */
static _Atomic int result;

static void park_with_a_local(void *unused)
{
    volatile int mine = 41;
    int v = 0;
    (void)unused;
    local_at = (uintptr_t)&mine;
    require(oak_recv(gate, &v) == 0);
    result = mine + v;
}

static volatile int *start_parked(void)
{
    gate = oak_make(int, 0);
    require(gate && oak_spawn(park_with_a_local, NULL) == 0);
    until(local_at);
    return (volatile int *)local_at;
}

static bool is_away(const volatile void *p)
{
    unsigned char byte;
    struct iovec local = {&byte, 1}, remote = {(void *)(uintptr_t)p, 1};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) < 0;
}

static int comes_back(void)
{
    volatile int *p = start_parked();
    until(is_away(p));
    require(oak_send(gate, 1) == 0);
    until(result);
    require(result == 42);
    return 0;
}

static int read_by_another(void)
{
    volatile int *p = start_parked();
    until(is_away(p));
    require(*p == 41);
    require(oak_send(gate, 1) == 0);
    until(result);
    require(result == 42);
    return 0;
}

static int written_by_another(void)
{
    volatile int *p = start_parked();
    for (int i = 0; i < 5; i++) { /* it is put away again and again in the same wait */
        until(is_away(p));
        *p = 100 + i;
    }
    until(is_away(p));
    require(oak_send(gate, 1) == 0);
    until(result);
    require(result == 105);
    return 0;
}

static void *write_from_thread(void *p)
{
    *(volatile int *)p = 1000;
    return NULL;
}

static int written_by_a_thread(void)
{
    volatile int *p = start_parked();
    pthread_t t;
    until(is_away(p));
    require(pthread_create(&t, NULL, write_from_thread, (void *)(uintptr_t)p) == 0);
    require(pthread_join(t, NULL) == 0);
    require(oak_send(gate, 1) == 0);
    until(result);
    require(result == 1001);
    return 0;
}

/* ---- what the runtime itself has on stacks ---- */

enum { SELECTORS = 50 };
static ints one, two;
static oak_waitgroup waited;
static _Atomic int begun, sum;

static void select_one_of_two(void *unused)
{
    int a = 0, b = 0;
    (void)unused;
    begun++;
    require(oak_select(oak_on_recv(one, &a), oak_on_recv(two, &b)) >= 0);
    sum += a + b;
    oak_waitgroup_done(&waited);
}

static int queues_through_stacks(void)
{
    one = oak_make(int, 0);
    two = oak_make(int, 0);
    oak_waitgroup_add(&waited, SELECTORS);
    for (int i = 0; i < SELECTORS; i++)
        require(oak_spawn(select_one_of_two, NULL) == 0);
    until(begun == SELECTORS && away_now() >= SELECTORS);
    for (int i = 0; i < SELECTORS; i++)
        require(oak_send(i % 2 ? one : two, i) == 0);
    require(oak_waitgroup_wait(&waited) == 0);
    require(sum == SELECTORS * (SELECTORS - 1) / 2);
    return 0;
}

/* ---- seen from outside ---- */

static bool count_frames(const struct oak_goroutine_info *g, void *arg)
{
    if (g->entry == (const void *)(uintptr_t)park_with_a_local)
        *(int *)arg = g->nframes;
    return true;
}

static int shows_its_stack(void)
{
    int before = 0, after = 0;
    volatile int *p = start_parked();
    until(oak_goroutines(count_frames, &before) && before);
    until(is_away(p));
    require(oak_goroutines(count_frames, &after) > 0);
    require(is_away(p)); /* the look has not brought it back */
    require(before > 1 && after == before);
    return 0;
}

static int child_of_fork_touches_it(void)
{
    volatile int *p = start_parked();
    until(is_away(p));
    pid_t pid = fork();
    if (pid == 0)
        _exit(*p == 41 ? 7 : 8);
    int status;
    require(waitpid(pid, &status, 0) == pid);
    require(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    require(oak_send(gate, 1) == 0);
    until(result);
    require(result == 42);
    return 0;
}

/* ---- the leak proof ---- */

/* Complements of addresses of variables on the stacks that are lost: no references. */
static uintptr_t hidden[SELECTORS];
static _Atomic int lost;

static void lose(void *held)
{
    ints ch = oak_make(int, 0);
    int v = 0;
    void *volatile keep = held;
    require(ch);
    hidden[lost++] = ~(uintptr_t)&v;
    begun++;
    require(oak_recv(ch, &v) == 0);
    (void)keep;
}

static __attribute__((noinline)) void start_losing(void)
{
    for (int i = 0; i < SELECTORS; i++)
        require(oak_spawn(lose, malloc(100)) == 0);
}

static void hold_for_others(void *ch)
{
    int v = 0;
    void *volatile keep = ch;
    begun++;
    require(oak_recv(gate, &v) == 0);
    require(oak_send((ints)(uintptr_t)keep, v) == 0);
}

static void receive_from(void *ch)
{
    int v = 0;
    begun++;
    require(oak_recv((ints)(uintptr_t)ch, &v) == 0);
    result = v;
}

/* The channel is known to two stacks only, both away: of its sender to be, who waits for a global one, and of the receiver. */
static __attribute__((noinline)) void start_pair(void)
{
    ints ch = oak_make(int, 0);
    gate = oak_make(int, 0);
    require(oak_spawn(hold_for_others, (void *)(uintptr_t)ch) == 0);
    require(oak_spawn(receive_from, (void *)(uintptr_t)ch) == 0);
}

static void check_once(void)
{
    oak_leak_report *r;
    uint64_t retained = 0;
    require(oak_leak_check(NULL, &r) == 0);
    require(oak_leak_count(r, OAK_LEAKED) == SELECTORS);
    for (size_t k = 0; k < SELECTORS; k++) {
        require(oak_leak_at(r, k)->g.entry == (const void *)(uintptr_t)lose);
        require(oak_leak_at(r, k)->g.nframes > 1);
        retained += oak_leak_at(r, k)->retained;
    }
    require(retained >= SELECTORS * 100);
    oak_leak_report_free(r);
}

/* By faults. Ends, so that nothing of it is a reference. */
static void touch_all(void *unused)
{
    (void)unused;
    for (int i = 0; i < SELECTORS; i++)
        require(*(volatile int *)~hidden[i] == 0);
    result = 1;
}

static int proofs_as_before(void)
{
    start_losing();
    start_pair();
    until(begun == SELECTORS + 2 && away_now() >= SELECTORS + 2);
    for (int i = 0; i < 3; i++)
        check_once();
    require(away_now() >= SELECTORS);
    require(oak_spawn(touch_all, NULL) == 0);
    until(result == 1);
    check_once();
    require(oak_send(gate, 5) == 0);
    until(result == 5);
    return 0;
}

/* ---- buffers for the kernel ---- */

static void *buffer; /* on a stack that is away */

static void write_and_read(void *unused)
{
    oak_conn *end[2];
    int fds[2];
    struct iovec piece = {buffer, sizeof(int)};
    int v = 0;
    (void)unused;
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    for (int i = 0; i < 2; i++)
        require(oak_conn_from_fd(fds[i], &end[i]) == 0);
    require(oak_write(end[0], buffer, sizeof(int)) == sizeof(int));
    require(oak_read(end[1], &v, sizeof v) == sizeof v && v == 41);
    v = 4711;
    until(is_away(buffer));
    require(oak_write(end[0], &v, sizeof v) == sizeof v);
    require(oak_readv(end[1], &piece, 1) == sizeof v);
    until(is_away(buffer));
    require(oak_writev(end[0], &piece, 1) == sizeof v);
    until(is_away(buffer));
    require(oak_read(end[1], buffer, sizeof v) == sizeof v);
    result = *(volatile int *)buffer;
}

static int reads_and_writes_there(void)
{
    volatile int *p = start_parked();
    buffer = (void *)(uintptr_t)p;
    until(is_away(p));
    require(oak_spawn(write_and_read, NULL) == 0);
    until(result);
    require(result == 4711);
    return 0;
}

/* ---- what it is for ---- */

enum { IDLE = 20000, BYTES_EACH = 2000 }; /* 1,250 or so as built for release, 4,500 without */

static long memory_now(void)
{
    char line[256];
    long kilobytes = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmRSS:", 6) == 0 || strncmp(line, "VmPTE:", 6) == 0)
            kilobytes += atol(line + 6);
    require(f && fclose(f) == 0);
    return kilobytes * 1024;
}

static void idle(void *unused)
{
    int v = 0;
    (void)unused;
    require(oak_recv(gate, &v) == -EPIPE);
    oak_waitgroup_done(&waited);
}

static int takes_little_memory(void)
{
    gate = oak_make(int, 0);
    oak_waitgroup_add(&waited, IDLE);
    long before = memory_now();
    for (int i = 0; i < IDLE; i++)
        require(oak_spawn(idle, NULL) == 0);
    until(away_now() >= IDLE);
    long each = (memory_now() - before) / IDLE;
    if (each > BYTES_EACH)
        fprintf(stderr, "%ld bytes each\n", each);
    require(each <= BYTES_EACH);
    require(oak_chan_close(gate) == 0);
    require(oak_waitgroup_wait(&waited) == 0);
    until(away_now() <= 1);
    return 0;
}

/* ---- where it must not be ---- */

static int input[2];

static void wait_for_input(void *unused)
{
    volatile int mine = 0;
    (void)unused;
    local_at = (uintptr_t)&mine;
    require(oak_wait_fd(input[0], OAK_READABLE, OAK_FOREVER) > 0);
    result = 1;
}

static int leaves_io_alone(void)
{
    require(pipe(input) == 0);
    require(oak_spawn(wait_for_input, NULL) == 0);
    until(local_at);
    const volatile int *io = (const volatile int *)local_at;
    local_at = 0;
    volatile int *p = start_parked();
    for (int i = 0; i < 3; i++) { /* passes of the compactor */
        until(is_away(p));
        require(*p == 41);
    }
    require(!is_away(io));
    require(write(input[1], "x", 1) == 1);
    until(result);
    return 0;
}

static int refuses_a_program_with_handlers(void *unused)
{
    (void)unused;
    signal(SIGBUS, SIG_IGN);
    int err = oak_compact(SOON);
    return err == -ENOTSUP ? SKIPPED : err == -EBUSY ? 0 : 1;
}

static void a_program_with_handlers_is_refused(void **state)
{
    (void)state;
    static struct outcome o;
    in_child(&o, refuses_a_program_with_handlers, NULL);
    assert_true(exited_with(&o, 0) || exited_with(&o, SKIPPED));
}

#define PART(title, fn)                                                                                      \
    static void title(void **state)                                                                          \
    {                                                                                                        \
        (void)state;                                                                                         \
        play(fn);                                                                                            \
    }
PART(a_stack_comes_back_with_its_goroutine, comes_back)
PART(another_goroutine_reads_from_it, read_by_another)
PART(another_goroutine_writes_to_it, written_by_another)
PART(a_plain_thread_writes_to_it, written_by_a_thread)
PART(queues_that_go_through_stacks_work, queues_through_stacks)
PART(reports_show_its_frames, shows_its_stack)
PART(a_child_of_fork_finds_its_contents, child_of_fork_touches_it)
PART(what_is_leaked_is_proven_and_nothing_else, proofs_as_before)
PART(connections_read_and_write_there, reads_and_writes_there)
PART(idle_goroutines_take_little_memory, takes_little_memory)
PART(a_goroutine_that_waits_for_io_keeps_its_stack, leaves_io_alone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack_comes_back_with_its_goroutine),
        cmocka_unit_test(another_goroutine_reads_from_it),
        cmocka_unit_test(another_goroutine_writes_to_it),
        cmocka_unit_test(a_plain_thread_writes_to_it),
        cmocka_unit_test(queues_that_go_through_stacks_work),
        cmocka_unit_test(reports_show_its_frames),
        cmocka_unit_test(a_child_of_fork_finds_its_contents),
        cmocka_unit_test(what_is_leaked_is_proven_and_nothing_else),
        cmocka_unit_test(connections_read_and_write_there),
        cmocka_unit_test(idle_goroutines_take_little_memory),
        cmocka_unit_test(a_goroutine_that_waits_for_io_keeps_its_stack),
        cmocka_unit_test(a_program_with_handlers_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
