/* Stacks and registers of goroutines. */
#include "heldkeeper.h"

static oak_chan(int) told_goroutine;

static void goroutine_next_word(void)
{
    int v;
    if (oak_recv(told_goroutine, &v))
        abort();
}

static void tell_goroutine(void)
{
    if (oak_send(told_goroutine, 1))
        abort();
    until_done();
    settle("keeper", 1);
}

/* At the bottom of a large frame, far from the stack's top. */
static NOINLINE void keep_in_large_frame(void)
{
    void *volatile mine[3000];
    memset((void *)mine, 0, sizeof mine);
    put_at(&mine[0]);
    done_that();
    next_word();
    mine[0] = NULL;
    done_that();
    next_word();
}

static void in_goroutine(void *unused)
{
    (void)unused;
    how();
}

/* The keeper of the test before is let go as the next one begins. */
static bool have_goroutine;

static void end_goroutine(void)
{
    if (have_goroutine && oak_send(told_goroutine, 1))
        abort();
    settle("keeper", 0);
    have_goroutine = true;
}

static void start_goroutine(void (*fn)(void))
{
    end_goroutine();
    how = fn;
    next_word = goroutine_next_word;
    go("keeper", in_goroutine, NULL);
    until_done();
}

/* The keeper waits for a word. */
static void settled(void (*fn)(void))
{
    start_goroutine(fn);
    settle("keeper", 1);
}

static void put_frame(void)
{
    settled(keep_in_frame);
}

static void put_deep(void)
{
    settled(keep_in_deep_frame);
}

static void put_large(void)
{
    settled(keep_in_large_frame);
}

static void put_saved(void)
{
    settled(keep_in_saved_register);
}

static void put_running(void)
{
    start_goroutine(keep_in_register);
    until_in_register();
}

static void put_vector(void)
{
    start_goroutine(keep_in_vector_register);
    until_in_register();
}

static void stop_running(void)
{
    stop = 1;
    until_done();
    settle("keeper", 1);
}

static void put_dead(void)
{
    settled(leave_dead_frames);
}

int main(void)
{
    static const struct place places[] = {
        {"a goroutine's stack", put_frame, tell_goroutine, false},
        {"a deep frame", put_deep, tell_goroutine, false},
        {"a large frame", put_large, tell_goroutine, false},
        {"a saved register", put_saved, tell_goroutine, false},
        {"a register of a goroutine that runs", put_running, stop_running, false},
        {"a vector register of a goroutine that runs", put_vector, stop_running, false},
        {"a goroutine's dead frames", put_dead, tell_goroutine, true},
    };
    setenv("OAK_PROCS", "2", 1);
    told_goroutine = oak_make(int, 0);
    if (!told_goroutine || sem_init(&has_done, 0, 0))
        abort();
    return run_places(places, countof(places));
}
