/*
 * What others will hang on: the event points (traces), and the door through which choices go (schedules that are explored). Each point is
 * passed as often as what it tells of happens; each choice is the chooser's.
 */
#include "../support/goroutine.h"

#include "sched/door.h"
#include "sched/event.h"
#include "sched/g.h"

enum { GOROUTINES = 50, MEETINGS = 20 };

static _Atomic uint64_t seen[OAK__EV_COUNT];

static void hear(enum oak__event_kind kind, struct oak__g *g)
{
    (void)g;
    fetch_add_relaxed(&seen[kind], 1);
}

static void listen_from_now(void)
{
    for (int i = 0; i < OAK__EV_COUNT; i++)
        store_relaxed(&seen[i], 0);
    store_release(&oak__event_listener, hear);
}

static uint64_t times(enum oak__event_kind kind)
{
    return load_relaxed(&seen[kind]);
}

OAK_TASK(meets, oak_chan(int), ch)
{
    for (int i = 0; i < MEETINGS; i++)
        expect(oak_send(ch, i) == 0);
}

TEST(event_points_tell_of_what_happens)
{
    oak_chan(int) ch = oak_make(int, 0);
    int v;
    listen_from_now();
    oak_scope (s) {
        for (int i = 0; i < GOROUTINES; i++)
            expect(oak_go(s, meets, ch) == 0);
        for (int i = 0; i < GOROUTINES * MEETINGS; i++)
            expect(oak_recv(ch, &v) == 0);
    }
    oak_yield();
    (void)oak_sleep(OAK_MILLISECOND);
    wait_until(times(OAK__EV_END) >= GOROUTINES);
    store_release(&oak__event_listener, NULL);
    expect(times(OAK__EV_CREATE) == GOROUTINES && times(OAK__EV_END) == GOROUTINES);
    expect(times(OAK__EV_START) >= GOROUTINES);
    /* A meeting on an unbuffered channel: one of the two has waited for the other. */
    expect(times(OAK__EV_BLOCK) >= 1 && times(OAK__EV_UNBLOCK) >= 1);
    expect(oak_chan_free(ch) == 0);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* Such a call gives the P away, and takes one when it is over. */
TEST(event_points_tell_of_a_p_that_is_given_away)
{
    listen_from_now();
    expect(oak_on_thread_stack(nothing, NULL) == 0);
    store_release(&oak__event_listener, NULL);
    expect(times(OAK__EV_SYSCALL) >= 1 && times(OAK__EV_P_STOP) >= 1 && times(OAK__EV_P_START) >= 1);
}

static uint32_t the_last_one(enum oak__choice what, uint32_t n)
{
    (void)what;
    return n - 1;
}

static uint32_t the_first_one(enum oak__choice what, uint32_t n)
{
    (void)what, (void)n;
    return 0;
}

static int chosen(oak_chan(int) a, oak_chan(int) b, oak_chan(int) c)
{
    int v;
    return oak_select(oak_on_recv(a, &v), oak_on_recv(b, &v), oak_on_recv(c, &v));
}

TEST(the_ready_case_is_the_choosers)
{
    enum { EACH = 10 };
    oak_chan(int) ch[3];
    for (int i = 0; i < 3; i++) {
        ch[i] = oak_make(int, 2 * EACH);
        for (int k = 0; k < 2 * EACH; k++)
            expect(oak_send(ch[i], k) == 0);
    }
    int last = 0, first = 0;
    store_release(&oak__chooser, the_last_one);
    for (int i = 0; i < EACH; i++)
        last += chosen(ch[0], ch[1], ch[2]);
    store_release(&oak__chooser, the_first_one);
    for (int i = 0; i < EACH; i++)
        first += chosen(ch[0], ch[1], ch[2]);
    store_release(&oak__chooser, NULL);
    /* A case takes the place of the one before when its number is 0: so it is the last that is ready, or stays the first. */
    expect(last == 0 && first == EACH * 2);
    for (int i = 0; i < 3; i++)
        expect(oak_chan_free(ch[i]) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_points_tell_of_what_happens),
        cmocka_unit_test(event_points_tell_of_a_p_that_is_given_away),
        cmocka_unit_test(the_ready_case_is_the_choosers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
