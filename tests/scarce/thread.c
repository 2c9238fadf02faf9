/*
 * A plain thread that has no memory for its first use of Oakum: what it may do without a stand-in it does; what it would have to
 * wait for, or own, is -ENOMEM; and once there is memory again everything works.
 */
#include "refuse.h"

#include <pthread.h>

typedef void part_fn(void);

static void *run_part(void *part)
{
    (*(part_fn **)part)();
    return NULL;
}

/* A thread of its own for each part: the first use of Oakum happens once in a thread's life. */
static void in_thread(part_fn *part)
{
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, run_part, &part), 0);
    assert_int_equal(pthread_join(t, NULL), 0);
}

static void no_memory(void)
{
    refuse(OAK__FAULT_MALLOC, 0, INT_MAX);
}

static void memory_again(void)
{
    relent();
}

static int start_only(int argc, char **argv)
{
    (void)argc, (void)argv;
    return 0;
}

/* What the parts use; made while there is memory, by a thread that has its stand-in. */
static struct {
    oak_chan(int) ch, full;
    oak_ctx *ctx;
    oak_errgroup *group;
    oak_listener *listener;
    oak_conn *conn;
    int pipe[2];
    _Atomic int woken;
} with;

static int set_up(void **state)
{
    (void)state;
    char at[64];
    assert_int_equal(oak_run(start_only, 0, NULL), 0);
    with.ch = oak_make(int, 1);
    with.full = oak_make(int, 1);
    with.ctx = oak_ctx_new(NULL);
    with.group = oak_errgroup_new(0);
    assert_true(with.ch && with.full && with.ctx && with.group);
    assert_int_equal(oak_send(with.full, 1), 0);
    assert_int_equal(oak_listen("tcp", "127.0.0.1:0", &with.listener), 0);
    assert_true(oak_listener_addr(with.listener, at, sizeof at) > 0);
    assert_int_equal(oak_dial("tcp", at, &with.conn), 0);
    assert_int_equal(pipe(with.pipe), 0);
    store_relaxed(&with.woken, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    memory_again();
    oak_ctx_unref(with.ctx);
    assert_int_equal(oak_errgroup_wait(with.group), 0);
    assert_int_equal(oak_chan_free(with.ch), 0);
    assert_int_equal(oak_chan_free(with.full), 0);
    assert_int_equal(oak_conn_close(with.conn), 0);
    assert_int_equal(oak_listener_close(with.listener), 0);
    close(with.pipe[0]);
    close(with.pipe[1]);
    return 0;
}

/* ---- what waits or owns ---- */

static void nothing(void *arg)
{
    (void)arg;
}

static bool see(const struct oak_goroutine_info *g, void *arg)
{
    (void)g, (void)arg;
    return true;
}

static void channels_say_so(void)
{
    int v = 5;
    oak_chan(int) none = NULL;
    no_memory();
    require(oak_send(with.ch, 1) == -ENOMEM);
    require(oak_recv(with.full, &v) == -ENOMEM);
    require(oak_send_timeout(with.ch, 1, 0) == -ENOMEM);
    require(oak_try_send(with.ch, 1) == -ENOMEM);
    require(oak_try_recv(with.full, &v) == -ENOMEM);
    require(oak_recv_timeout(none, &v, 1) == -ENOMEM);
    require(oak_select(oak_on_recv(with.full, &v), oak_on_default()) == -ENOMEM);
    require(v == 5 && oak_chan_len(with.ch) == 0 && oak_chan_len(with.full) == 1);
    memory_again();
    require(oak_send(with.ch, 1) == 0 && oak_recv(with.ch, &v) == 0 && v == 1);
}

static void locks_say_so(void)
{
    static oak_mutex mu;
    static oak_rwmutex rw;
    static oak_once once;
    static oak_sem one = OAK_SEM_INIT(1);
    static oak_waitgroup none;
    no_memory();
    require(oak_mutex_lock(&mu) == -ENOMEM);
    require(oak_mutex_trylock(&mu) == -ENOMEM);
    require(oak_rwmutex_lock(&rw) == -ENOMEM);
    require(oak_rwmutex_rlock(&rw) == -ENOMEM);
    require(oak_rwmutex_trylock(&rw) == -ENOMEM);
    require(oak_rwmutex_tryrlock(&rw) == -ENOMEM);
    require(oak_once_do(&once, nothing, NULL) == -ENOMEM);
    require(oak_sem_acquire(&one, 1) == -ENOMEM);
    require(oak_waitgroup_wait(&none) == -ENOMEM);
    memory_again();
    require(oak_mutex_lock(&mu) == 0);
    oak_mutex_unlock(&mu);
    require(oak_rwmutex_lock(&rw) == 0);
    oak_rwmutex_unlock(&rw);
    require(oak_once_do(&once, nothing, NULL) == 0);
    require(oak_sem_acquire(&one, 1) == 0);
    require(oak_waitgroup_wait(&none) == 0);
}

OAK_TASK(task, int, n)
{
    (void)n;
}

static void starting_and_sleeping_say_so(void)
{
    no_memory();
    require(oak_spawn(nothing, NULL) == -ENOMEM);
    require(oak_go_detached(task, 1) == -ENOMEM);
    require(oak_run(start_only, 0, NULL) == -ENOMEM);
    require(oak_sleep(OAK_MILLISECOND) == -ENOMEM);
    require(oak_errgroup_wait(with.group) == -ENOMEM);
    require(oak_recover(nothing, NULL, NULL) == -ENOMEM);
    memory_again();
    require(oak_run(start_only, 0, NULL) == 0);
    require(oak_sleep(1) == 0);
}

static void input_and_output_say_so(void)
{
    char buf[46], found[1][46];
    oak_conn *c;
    no_memory();
    require(oak_accept(with.listener, &c) == -ENOMEM);
    require(oak_dial("tcp", "127.0.0.1:1", &c) == -ENOMEM);
    require(oak_read(with.conn, buf, 1) == -ENOMEM);
    require(oak_conn_wait_hangup(with.conn) == -ENOMEM);
    require(oak_wait_fd(with.pipe[0], OAK_READABLE, OAK_SECOND) == -ENOMEM);
    require(oak_lookup_host("127.0.0.1", found, 1) == -ENOMEM);
    require(oak_file_open("/dev/null", O_RDONLY, 0) == -ENOMEM);
    require(oak_file_sync(with.pipe[0]) == -ENOMEM);
    memory_again();
    require(oak_accept(with.listener, &c) == 0);
    require(oak_conn_close(c) == 0);
}

static void looking_says_so(void)
{
    oak_leak_report *r;
    no_memory();
    require(oak_goroutines(see, NULL) == -ENOMEM);
    require(oak_leak_check(NULL, &r) == -ENOMEM && !r);
    require(oak_leak_verify_none(NULL) == -ENOMEM);
    memory_again();
    require(oak_leak_check(NULL, &r) == 0);
    oak_leak_report_free(r);
}

/* Blocks whose context could not become this thread's: all in them fails, also when memory is back. */
static void blocks_fail_to_their_end(void)
{
    int v;
    no_memory();
    oak_with_timeout (OAK_HOUR) {
        memory_again();
        require(oak_sleep(1) == -ENOMEM);
        oak_with_ctx (with.ctx) {
            require(oak_sleep(1) == -ENOMEM);
        }
        require(oak_recv_timeout(with.ch, &v, 1) == -ENOMEM);
    }
    require(oak_sleep(1) == 0);
}

static void scopes_fail_to_their_end(void)
{
    int err = 0;
    no_memory();
    oak_scope (s, .err = &err) {
        require(oak_go(s, task, 1) == -ENOMEM);
        memory_again();
        require(oak_go(s, task, 1) == -ENOMEM);
        require(oak_sleep(1) == -ENOMEM);
        require(oak_scope_current() == NULL);
        require(oak_scope_wait(s) == -ENOMEM);
    }
    require(err == -ENOMEM);
    oak_scope (s, .err = &err) {
        require(oak_go(s, task, 1) == 0);
    }
    require(err == 0);
}

/* ---- what does not wait ---- */

static oak_waitgroup wg;
static oak_sem sem;
static oak_mutex guard;
static oak_cond cond;

static void wait_for_done(void *arg)
{
    (void)arg;
    expect(oak_waitgroup_wait(&wg) == 0);
    fetch_add_relaxed(&with.woken, 1);
}

static void wait_for_end(void *arg)
{
    (void)arg;
    oak_with_ctx (with.ctx) {
        expect(oak_sleep(OAK_HOUR) == -ECANCELED);
    }
    fetch_add_relaxed(&with.woken, 1);
}

static void wait_for_place(void *arg)
{
    (void)arg;
    expect(oak_sem_acquire(&sem, 1) == 0);
    fetch_add_relaxed(&with.woken, 1);
}

static void wait_for_close(void *arg)
{
    int v;
    (void)arg;
    while (oak_recv(with.full, &v) == 0)
        ;
    fetch_add_relaxed(&with.woken, 1);
}

static void wait_for_signal(void *arg)
{
    (void)arg;
    expect(oak_mutex_lock(&guard) == 0);
    expect(oak_cond_wait(&cond, &guard) == 0);
    oak_mutex_unlock(&guard);
    fetch_add_relaxed(&with.woken, 1);
}

static bool count_waiting(const struct oak_goroutine_info *g, void *n)
{
    *(int *)n += g->state == OAK_STATE_WAITING;
    return true;
}

static void (*const waiters[])(void *) = {wait_for_done, wait_for_end, wait_for_place, wait_for_close,
                                          wait_for_signal};
enum { WAITERS = sizeof waiters / sizeof waiters[0] };

static void start_waiters(void)
{
    int waiting = 0;
    oak_waitgroup_add(&wg, 1);
    for (int i = 0; i < WAITERS; i++)
        require(oak_spawn(waiters[i], NULL) == 0);
    for (; waiting < WAITERS; usleep(100)) {
        waiting = 0;
        require(oak_goroutines(count_waiting, &waiting) >= 0);
    }
}

static void count(void *arg)
{
    fetch_add_relaxed((_Atomic int *)arg, 1);
}

/* Who cannot wait can still wake those who do, in spite of having no stand-in. */
static void giving_back_works(void)
{
    _Atomic int called = 0;
    no_memory();
    require(oak_sem_try_acquire(&sem, 1) == -EAGAIN);
    oak_waitgroup_done(&wg);
    require(oak_sem_release(&sem, 1) == 0);
    require(oak_cond_signal(&cond) == 0);
    require(oak_ctx_cancel(with.ctx, 0) == 0);
    require(oak_chan_close(with.full) == 0);
    require(oak_ctx_current() == NULL);
    oak_ctx_unref(oak_ctx_ref(with.ctx));
    require(oak_self() == 0 && !oak_in_goroutine());
    oak_set_name("nobody");
    oak_yield();
    oak_blocking {
        require(oak_on_thread_stack(count, &called) == 0);
    }
    {
        oak_defer(count, &called);
    }
    require(load_relaxed(&called) == 2);
    while (load_relaxed(&with.woken) < WAITERS)
        usleep(100);
    require(oak_self() == 0);
    memory_again();
    require(oak_self() != 0);
}

/* ---- tests ---- */

#define IN_THREAD(part)                                                                                      \
    static void thread_##part(void **state)                                                                  \
    {                                                                                                        \
        (void)state;                                                                                         \
        in_thread(part);                                                                                     \
    }
IN_THREAD(channels_say_so)
IN_THREAD(locks_say_so)
IN_THREAD(starting_and_sleeping_say_so)
IN_THREAD(input_and_output_say_so)
IN_THREAD(looking_says_so)
IN_THREAD(blocks_fail_to_their_end)
IN_THREAD(scopes_fail_to_their_end)
#define TESTED(part) cmocka_unit_test_setup_teardown(thread_##part, set_up, tear_down)

static void thread_giving_back_works(void **state)
{
    (void)state;
    start_waiters();
    in_thread(giving_back_works);
}

static struct outcome o;

/* What it cannot have locked it cannot unlock: the panic names who tried. */
static int unlock_without_memory(void *arg)
{
    oak_mutex mu = {0};
    (void)arg;
    no_memory();
    oak_mutex_unlock(&mu);
    return 0;
}

static int runlock_without_memory(void *arg)
{
    oak_rwmutex rw = {0};
    (void)arg;
    no_memory();
    oak_rwmutex_runlock(&rw);
    return 0;
}

static void an_unlock_without_memory_names_the_caller(void **state)
{
    (void)state;
    in_child(&o, unlock_without_memory, NULL);
    assert_true(killed_by(&o, SIGABRT));
    assert_true(said(&o, "panic: unlock of unlocked mutex"));
    assert_true(said(&o, "called from"));
    assert_true(said(&o, "unlock_without_memory"));
    in_child(&o, runlock_without_memory, NULL);
    assert_true(killed_by(&o, SIGABRT));
    assert_true(said(&o, "which no reader holds"));
}

/* The runtime's own threads need no key of libc's, and a program that has used them all up is told so. */
static int no_key_left(void *arg)
{
    enum { MOST = 4096 };
    static pthread_key_t keys[MOST];
    int n = 0;
    (void)arg;
    while (n < MOST && pthread_key_create(&keys[n], NULL) == 0)
        n++;
    require(n < MOST);
    require(oak_run(start_only, 0, NULL) == -ENOMEM);
    require(oak_sleep(1) == -ENOMEM);
    require(oak_leak_watch_start(NULL) == 0);
    require(oak_leak_watch_stop() == 0);
    while (n > 0)
        pthread_key_delete(keys[--n]);
    require(oak_run(start_only, 0, NULL) == 0);
    require(oak_sleep(1) == 0);
    return 0;
}

static void without_a_key_of_libc_it_is_said(void **state)
{
    (void)state;
    assert_true(child_succeeds(no_key_left, NULL, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unlock_without_memory_names_the_caller),
        cmocka_unit_test(without_a_key_of_libc_it_is_said),
        TESTED(channels_say_so),
        TESTED(locks_say_so),
        TESTED(starting_and_sleeping_say_so),
        TESTED(input_and_output_say_so),
        TESTED(looking_says_so),
        TESTED(blocks_fail_to_their_end),
        TESTED(scopes_fail_to_their_end),
        TESTED(giving_back_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
