/* What the runtime and the kernel keep for the program: contexts, scopes, deferred calls, channels' buffers, epoll sets, timers. */
#include "heldtest.h"

#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static const char key;

/* ---- a goroutine that lives, and what it keeps: until it is told to end ---- */

static oak_chan(int) told;
static sem_t is_kept;

static void wait_until_told(void)
{
    int v;
    sem_post(&is_kept);
    if (oak_recv(told, &v))
        abort();
}

static void keep(void (*how)(void *))
{
    go("keeper", how, NULL);
    while (sem_wait(&is_kept))
        ;
    settle("keeper", 1);
}

static void let_go(void)
{
    if (oak_send(told, 1))
        abort();
    settle("keeper", 0);
}

static NOINLINE oak_ctx *with_value(void)
{
    oak_ctx *c = oak_ctx_with_value(NULL, &key, reveal());
    if (!c)
        abort();
    return c;
}

static void in_context(void *unused)
{
    (void)unused;
    oak_ctx *c = with_value();
    oak_with_ctx (c) {
        oak_ctx_unref(c);
        c = NULL;
        wait_until_told();
    }
}

static void put_in_context(void)
{
    keep(in_context);
}

static void done_with(void *p)
{
    (void)p;
}

static void with_defer(void *unused)
{
    (void)unused;
    oak_defer(done_with, reveal());
    wait_until_told();
}

static void put_in_defer(void)
{
    keep(with_defer);
}

static oak_once once;

static void run_once(void *mine)
{
    wait_until_told();
    done_with(mine);
}

static void in_once(void *unused)
{
    (void)unused;
    if (oak_once_do(&once, run_once, reveal()))
        abort();
}

static void put_in_once(void)
{
    keep(in_once);
}

/* The owner of a scope has it, and waits for a child that lives. */
static void child(void *unused)
{
    (void)unused;
    wait_until_told();
}

static void with_scope(void *unused)
{
    (void)unused;
    void *volatile mine;
    put_at(&mine);
    oak_scope (s) {
        const struct oak_spawn_opts o = {.scope = s};
        if (oak_spawn_with(&o, child, NULL))
            abort();
    }
    mine = NULL;
}

static void put_in_scope(void)
{
    keep(with_scope);
}

/* A call on the thread's own stack, which blocks the thread, has a block in which the channel is. */
struct on_thread {
    sem_t told;
    void *volatile mine;
};

static void call_blocks(void *arg)
{
    struct on_thread *x = arg;
    sem_post(&is_kept);
    while (sem_wait(&x->told))
        ;
}

static void on_thread_stack(void *unused)
{
    (void)unused;
    struct on_thread *x = calloc(1, sizeof *x);
    if (!x || sem_init(&x->told, 0, 0))
        abort();
    put_at(&x->mine);
    held_hidden = ~(uintptr_t)x; /* what is to be kept now is the block */
    if (oak_on_thread_stack(call_blocks, x))
        abort();
    free(x);
}

static void put_on_thread_stack(void)
{
    go("keeper", on_thread_stack, NULL);
    while (sem_wait(&is_kept))
        ;
}

static void end_call(void)
{
    struct on_thread *x = reveal();
    x->mine = NULL;
    sem_post(&x->told);
    settle("keeper", 0);
}

/* ---- arguments of goroutines that have not run yet, of after-functions ---- */

static oak_ctx *ends;
static oak_after *after;

static NOINLINE void call_after(oak_ctx *c)
{
    after = oak_ctx_after(c, done_with, reveal());
    if (!after)
        abort();
}

static void put_after_deadline(void)
{
    oak_ctx *c = oak_ctx_with_timeout(NULL, OAK_HOUR);
    call_after(c);
    oak_ctx_unref(c);
}

static void put_after_cancel(void)
{
    ends = oak_ctx_new(NULL);
    call_after(ends);
}

static void stop_after(void)
{
    oak_ctx_unref(ends);
    ends = NULL;
    if (!oak_ctx_after_stop(after))
        abort();
    after = NULL;
}

/* ---- channels ---- */

static oak_chan(void *) box;

static NOINLINE void put_in_buffer(void)
{
    box = oak_make(void *, 3);
    if (!box || oak_send(box, reveal()))
        abort();
}

static NOINLINE void take_out(void)
{
    void *p;
    if (oak_recv(box, &p))
        abort();
}

/* The place in the buffer keeps the word until it is used again. */
static void clear_buffer(void)
{
    take_out();
    for (int i = 0; i < 3; i++)
        if (oak_send(box, NULL))
            abort();
    for (int i = 0; i < 3; i++)
        take_out();
    oak_chan_free(box);
    box = NULL;
}

static NOINLINE void send_mine(oak_chan(void *) ch)
{
    if (oak_send(ch, reveal()))
        abort();
}

static void sends(void *unused)
{
    (void)unused;
    send_mine(box);
}

/* Whoever is about to send it waits for a receiver. */
static void put_in_send(void)
{
    box = oak_make(void *, 0);
    go("keeper", sends, NULL);
    settle("keeper", 1);
}

static void receive(void)
{
    take_out();
    settle("keeper", 0);
    oak_chan_free(box);
    box = NULL;
}

/* ---- compact mode ---- */

static void compacted(void)
{
    struct oak_stats st;
    do {
        oak_sleep(OAK_MILLISECOND);
        if (oak_stats_read(&st))
            abort();
    } while (st.stacks_away == 0);
}

static void in_frame(void *unused)
{
    (void)unused;
    void *volatile mine;
    put_at(&mine);
    wait_until_told();
    mine = NULL;
}

static void put_away(void)
{
    keep(in_frame);
    if (oak_compact(0) == 0)
        compacted();
}

/* ---- the kernel ---- */

static int set, event;

static NOINLINE void add_to_set(void)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = reveal()};
    set = epoll_create1(EPOLL_CLOEXEC);
    event = eventfd(0, EFD_CLOEXEC);
    if (set < 0 || event < 0 || epoll_ctl(set, EPOLL_CTL_ADD, event, &e))
        abort();
    memset(&e, 0, sizeof e);
    __asm__ volatile("" ::"r"(&e) : "memory");
}

static void close_set(void)
{
    close(set);
    close(event);
}

static int saved;

static void put_in_set_zero(void)
{
    saved = dup(STDIN_FILENO);
    add_to_set();
    if (dup2(set, STDIN_FILENO) || close(set))
        abort();
}

static void close_set_zero(void)
{
    close(event);
    close(STDIN_FILENO);
    if (saved >= 0 && (dup2(saved, STDIN_FILENO) || close(saved)))
        abort();
}

/* What epoll_wait(2) has told: struct epoll_event is packed on x86-64. */
static struct epoll_event events[3];

static NOINLINE void put_in_event(void)
{
    events[1].data.ptr = reveal();
}

static void clear_event(void)
{
    memset(events, 0, sizeof events);
}

static timer_t timer;

static NOINLINE void put_in_timer(void)
{
    struct sigevent e = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_ptr = reveal()};
    if (timer_create(CLOCK_MONOTONIC, &e, &timer))
        abort();
    memset(&e, 0, sizeof e);
    __asm__ volatile("" ::"r"(&e) : "memory");
}

static void delete_timer(void)
{
    timer_delete(timer);
}

int main(void)
{
    static const struct place places[] = {
        {"a context's value", put_in_context, let_go, false},
        {"a deferred call", put_in_defer, let_go, false},
        {"a once that runs", put_in_once, let_go, false},
        {"the owner of a scope", put_in_scope, let_go, false},
        {"a call on the thread's stack", put_on_thread_stack, end_call, false},
        {"a function after a deadline", put_after_deadline, stop_after, false},
        {"a function after a cancel", put_after_cancel, stop_after, false},
        {"a channel's buffer", put_in_buffer, clear_buffer, false},
        {"a sender that waits", put_in_send, receive, false},
        {"an epoll set", add_to_set, close_set, false},
        {"an epoll set at descriptor 0", put_in_set_zero, close_set_zero, false},
        {"an event", put_in_event, clear_event, false},
        {"a timer of the kernel", put_in_timer, delete_timer, false},
        {"a stack that is put away", put_away, let_go, false},
    };
    told = oak_make(int, 0);
    if (!told || sem_init(&is_kept, 0, 0))
        abort();
    return run_places(places, countof(places));
}
