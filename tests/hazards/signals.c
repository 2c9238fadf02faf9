/*
 * Hazard 6: signals. A handler that wants the alternate stack gets one with room to work in, on whichever thread the
 * goroutine runs; system calls that it interrupts go on; SIGPIPE never ends a program that writes to a peer that is gone.
 */
#include "../support/part.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <cmocka.h>

enum { SIGNALS = 200, WORKSPACE = 32 * 1024 };

static _Atomic int handled;
static _Atomic bool over;

/* A handler of somebody who thinks that stacks are large. */
static void greedy_handler(int sig)
{
    volatile char workspace[WORKSPACE];
    for (int i = 0; i < WORKSPACE; i += 512)
        workspace[i] = (char)sig;
    atomic_fetch_add(&handled, workspace[WORKSPACE - 512] == sig);
}

static void small_goroutine(void *wg)
{
    for (int i = 0; i < SIGNALS; i++) {
        require(raise(SIGUSR1) == 0);
        oak_yield();
    }
    oak_waitgroup_done(wg);
}

static void install(void)
{
    struct sigaction sa = {.sa_handler = greedy_handler, .sa_flags = SA_ONSTACK | SA_RESTART};
    require(sigaction(SIGUSR1, &sa, NULL) == 0);
}

/* Stacks of 16 KiB, a handler that needs 32: only the alternate stack can hold it. */
static int on_small_stacks(int argc, char **argv)
{
    (void)argc, (void)argv;
    static oak_waitgroup wg;
    struct oak_spawn_opts opts = {.stack_size = 16 * 1024};
    install();
    oak_waitgroup_add(&wg, 4);
    for (int i = 0; i < 4; i++)
        require(oak_spawn_with(&opts, small_goroutine, &wg) == 0);
    require(oak_waitgroup_wait(&wg) == 0);
    require(atomic_load(&handled) == 4 * SIGNALS);
    return 0;
}

static void *shoot(void *unused)
{
    while (!atomic_load(&over)) {
        kill(getpid(), SIGUSR1);
        usleep(50);
    }
    return unused;
}

static void talk(void *ch)
{
    for (int i = 0; i < 20000; i++)
        require(oak_send((oak_chan(int))(uintptr_t)ch, i) == 0);
    require(oak_chan_close((oak_chan(int))(uintptr_t)ch) == 0);
}

/* Signals fall on any thread at any instruction of the runtime, sleeping or switching. */
static int in_the_runtime(int argc, char **argv)
{
    (void)argc, (void)argv;
    pthread_t id;
    int n = 0;
    install();
    require(pthread_create(&id, NULL, shoot, NULL) == 0);
    oak_chan(int) ch = oak_make(int, 0);
    require(ch);
    require(oak_spawn(talk, (void *)(uintptr_t)ch) == 0);
    oak_range (ch, v) {
        require(v == n++);
        if (v % 1000 == 0)
            require(oak_sleep(OAK_MILLISECOND) == 0);
    }
    require(n == 20000);
    atomic_store(&over, true);
    pthread_join(id, NULL);
    /* The thread sanitizer puts signals off until the thread calls libc. */
    require(UNDER_TSAN || atomic_load(&handled) > 0);
    return 0;
}

static int write_to_gone_peer(int fds[2])
{
    oak_conn *c = NULL;
    ssize_t n = 0;
    char text[4096] = {0};
    require(oak_conn_from_fd(fds[1], &c) == 0);
    require(close(fds[0]) == 0);
    for (int i = 0; i < 100 && n >= 0; i++)
        n = oak_write(c, text, sizeof text);
    require(n == -EPIPE || n == -ECONNRESET);
    return oak_conn_close(c);
}

static int gone_peers(int argc, char **argv)
{
    (void)argc, (void)argv;
    int fds[2];
    signal(SIGPIPE, SIG_DFL);
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    require(write_to_gone_peer(fds) == 0);
    require(pipe(fds) == 0);
    require(write_to_gone_peer(fds) == 0);
    struct sigaction sa;
    require(sigaction(SIGPIPE, NULL, &sa) == 0);
    require(sa.sa_handler == SIG_DFL); /* the program's own choice stays */
    return 0;
}

static int on_two_ps(void *app)
{
    set_procs(2);
    return oak_run(*(int (**)(int, char **))app, 0, NULL);
}

static void succeeds(int (*app)(int, char **))
{
    assert_true(child_succeeds(on_two_ps, &app, false));
}

static void a_handler_has_room_on_the_alternate_stack(void **state)
{
    (void)state;
    succeeds(on_small_stacks);
}

static void signals_may_fall_anywhere(void **state)
{
    (void)state;
    succeeds(in_the_runtime);
}

static void sigpipe_is_never_raised(void **state)
{
    (void)state;
    succeeds(gone_peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_has_room_on_the_alternate_stack),
        cmocka_unit_test(signals_may_fall_anywhere),
        cmocka_unit_test(sigpipe_is_never_raised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
