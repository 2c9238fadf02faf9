/* The timing wheel by a made-up clock, against a plain table of deadlines. */
#include "time/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { TIMERS = 600 };
#define TICK ((int64_t)1 << OAK__WHEEL_SHIFT)

static struct oak__wheel wheel;
static struct oak__timer timers[TIMERS];
static int64_t now;

/* What the table knows of timer i. */
static struct {
    bool armed;
    int64_t when;
    uint64_t serial; /* the arming's number: what fn gets */
    uint64_t tick;   /* when the wheel must call it at the latest */
} table[TIMERS];
static uint64_t serials, last_fired_tick;
static int calls;

static int fresh(void **state)
{
    (void)state;
    now = 12345678901;
    oak__wheel_init(&wheel, now);
    memset(timers, 0, sizeof timers);
    memset(table, 0, sizeof table);
    serials = last_fired_tick = 0;
    calls = 0;
    return 0;
}

static uint64_t rounded_up(int64_t when)
{
    return when <= 0 ? 0 : ((uint64_t)when + (uint64_t)TICK - 1) / (uint64_t)TICK;
}

static void fired(struct oak__timer *t, uint64_t serial)
{
    size_t i = (size_t)(t - timers);
    assert_true(table[i].armed);
    assert_int_equal(table[i].serial, serial);
    assert_true(table[i].when <= now); /* never early */
    assert_true(table[i].tick >= last_fired_tick);
    last_fired_tick = table[i].tick;
    table[i].armed = false;
    calls++;
}

static bool arm(size_t i, int64_t when)
{
    table[i].armed = true;
    table[i].when = when;
    table[i].serial = ++serials;
    table[i].tick = rounded_up(when) > wheel.tick ? rounded_up(when) : wheel.tick + 1;
    return oak__timer_arm(&wheel, &timers[i], when, fired, serials);
}

static void cancel(size_t i)
{
    assert_int_equal(oak__timer_cancel(&timers[i]), table[i].armed);
    table[i].armed = false;
}

static int run(void)
{
    int before = calls;
    last_fired_tick = 0;
    int n = oak__timers_run(&wheel, now);
    assert_int_equal(n, calls - before);
    return n;
}

/* What must hold between any two operations. */
static void check_against_table(void)
{
    uint64_t count = 0;
    uint64_t soonest = UINT64_MAX;
    for (size_t i = 0; i < TIMERS; i++)
        if (table[i].armed) {
            count++;
            soonest = table[i].tick < soonest ? table[i].tick : soonest;
        }
    assert_int_equal(wheel.count, count);
    int64_t next_due = load_relaxed(&wheel.next_due);
    if (count == 0)
        assert_true(next_due == OAK_FOREVER);
    else
        assert_true((uint64_t)next_due <= soonest * (uint64_t)TICK);
}

static uint64_t seed;

static uint64_t rnd(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 33 | seed << 31;
}

/* A duration of any magnitude up to 2^bits ns. */
static int64_t any_duration(int bits)
{
    return (int64_t)(rnd() >> (64 - rnd() % (unsigned)bits - 1));
}

static void advance(int bits)
{
    int64_t d = any_duration(bits);
    now = now > OAK_FOREVER - 1 - d ? OAK_FOREVER - 1 : now + d;
    run();
    for (size_t i = 0; i < TIMERS; i++)
        assert_false(table[i].armed && table[i].tick <= (uint64_t)now >> OAK__WHEEL_SHIFT);
}

/* Random arms, cancels and steps of a clock; bits limits the deadlines' and the steps' magnitude. */
static void random_walk(int bits, int steps)
{
    for (int n = 0; n < steps; n++) {
        size_t i = rnd() % TIMERS;
        if (rnd() % 8 == 0)
            advance(bits - 3);
        else if (table[i].armed && rnd() % 2)
            cancel(i);
        else if (!table[i].armed) {
            int64_t d = any_duration(bits);
            arm(i, now > OAK_FOREVER - 1 - d ? OAK_FOREVER - 1 : now + d);
        }
        check_against_table();
    }
}

static void agrees_with_a_table_of_deadlines(void **state)
{
    for (int bits = 17; bits <= 62; bits += 5)
        for (int round = 1; round <= 4; round++) {
            seed = (uint64_t)round;
            fresh(state);
            random_walk(bits, 6000);
            assert_true(calls > 0);
            now = OAK_FOREVER - 1;
            run();
            check_against_table();
            for (size_t i = 0; i < TIMERS; i++) /* the last tick of all is never reached */
                assert_true(!table[i].armed || table[i].when > now - TICK);
        }
}

static void each_level_fires_at_its_tick(void **state)
{
    (void)state;
    for (int bit = 0; bit < 46; bit++)
        for (int d = -1; d <= 1; d++) {
            fresh(NULL);
            int64_t when = now + ((int64_t)1 << (bit + OAK__WHEEL_SHIFT)) + d * TICK;
            if (when <= now)
                continue;
            arm(0, when);
            now = (int64_t)(rounded_up(when) * (uint64_t)TICK) - 1;
            assert_int_equal(run(), 0);
            now++;
            assert_int_equal(run(), 1);
        }
}

static void sleeper_wakes_once_for_one_timer_however_far(void **state)
{
    (void)state;
    for (int bit = 0; bit < 62; bit++) {
        fresh(NULL);
        arm(0, now + ((int64_t)1 << bit));
        now = load_relaxed(&wheel.next_due);
        assert_int_equal(run(), 1);
        assert_true(load_relaxed(&wheel.next_due) == OAK_FOREVER);
    }
}

static void sleeper_wakes_in_vain_at_most_once_a_cascade(void **state)
{
    (void)state;
    int64_t start = now;
    size_t armed = 0;
    for (int i = 0; i < TIMERS; i++) /* two seconds; half of them cancelled */
        arm((size_t)i, start + OAK_MILLISECOND * (10 + i * 7 % 2000));
    for (size_t i = 0; i < TIMERS; i++)
        if (i % 2)
            cancel(i);
        else
            armed++;
    int wakes = 0;
    for (; wheel.count; wakes++) {
        now = load_relaxed(&wheel.next_due);
        run();
    }
    assert_int_equal(calls, armed);
    /* Slots of 4.2 ms in two seconds: 480, of 268 ms: 8. */
    assert_in_range(wakes, 1, armed + 480 + 8);
}

static void years_and_for_ever(void **state)
{
    (void)state;
    int64_t years = 200 * 365 * 24 * OAK_HOUR;
    assert_true(arm(0, now + years));
    assert_true(arm(1, OAK_HOUR + now));
    assert_false(oak__timer_arm(&wheel, &timers[2], OAK_FOREVER, fired, 1));
    assert_false(oak__timer_cancel(&timers[2]));
    assert_int_equal(wheel.count, 2);
    now += OAK_HOUR + TICK;
    assert_int_equal(run(), 1);
    now += years - OAK_HOUR - 2 * TICK;
    assert_int_equal(run(), 0);
    now += 2 * TICK;
    assert_int_equal(run(), 1);
    arm(3, OAK_FOREVER - 1);
    now = OAK_FOREVER - 2;
    run();
    check_against_table();
    cancel(3);
}

static void past_deadline_fires_within_two_ticks(void **state)
{
    (void)state;
    arm(0, now - OAK_SECOND);
    arm(1, 0);
    arm(2, -5);
    arm(3, INT64_MIN);
    now += 2 * TICK;
    assert_int_equal(run(), 4);
    /* Also when the wheel has not been turned for long. */
    now += OAK_HOUR;
    arm(0, now - TICK);
    assert_int_equal(run(), 1);
}

static void next_due_tells_when_it_moves_earlier(void **state)
{
    (void)state;
    assert_true(arm(0, now + OAK_SECOND));
    assert_false(arm(1, now + 2 * OAK_SECOND));
    assert_true(arm(2, now + OAK_MILLISECOND));
    cancel(2);
    assert_true(arm(2, now + OAK_MILLISECOND)); /* the cancel moved it back */
    assert_true(load_relaxed(&wheel.next_due) >= now + OAK_MILLISECOND);
    assert_true(load_relaxed(&wheel.next_due) < now + OAK_MILLISECOND + TICK);
}

static void cancel_tells_whether_it_was_in_time(void **state)
{
    (void)state;
    assert_false(oak__timer_cancel(&timers[0]));
    arm(0, now + OAK_SECOND);
    cancel(0);
    assert_false(oak__timer_cancel(&timers[0]));
    arm(0, now + TICK);
    now += 3 * TICK;
    assert_int_equal(run(), 1);
    assert_false(oak__timer_cancel(&timers[0]));
}

/* ---- callbacks that use the wheel ---- */

static void cancel_next(struct oak__timer *t, uint64_t arg)
{
    (void)arg;
    calls++;
    for (size_t i = 0; i < 3; i++)
        if (&timers[i] != t)
            oak__timer_cancel(&timers[i]);
}

static void callback_cancels_others(void **state)
{
    (void)state;
    /* A later tick: the cancel is in time. */
    oak__timer_arm(&wheel, &timers[0], now + OAK_MILLISECOND, cancel_next, 0);
    oak__timer_arm(&wheel, &timers[1], now + 2 * OAK_MILLISECOND, cancel_next, 0);
    oak__timer_arm(&wheel, &timers[2], now + OAK_SECOND, cancel_next, 0);
    now += 3 * OAK_SECOND;
    assert_int_equal(oak__timers_run(&wheel, now), 1);
    assert_int_equal(calls, 1);
    assert_int_equal(wheel.count, 0);
}

static void no_more_fire_than_asked_for_and_none_is_lost(void **state)
{
    (void)state;
    enum { OF_EACH = 100, TICKS = 3, MOST = 70 };
    const int64_t start = now;
    for (size_t i = 0; i < OF_EACH * TICKS; i++)
        arm(i, start + (int64_t)(i % TICKS + 1) * 2 * TICK);
    now += 10 * TICK;
    for (int left = OF_EACH * TICKS; left > 0; left -= MOST) {
        assert_true(load_relaxed(&wheel.next_due) <= now);
        int before = calls;
        assert_int_equal(oak__timers_run_some(&wheel, now, MOST), left < MOST ? left : MOST);
        assert_int_equal(calls - before, left < MOST ? left : MOST);
        check_against_table();
    }
    assert_int_equal(wheel.count, 0);
    assert_true(load_relaxed(&wheel.next_due) == OAK_FOREVER);
}

static void arm_again(struct oak__timer *t, uint64_t left)
{
    calls++;
    if (left)
        oak__timer_arm(&wheel, t, now - OAK_SECOND, arm_again, left - 1);
}

static void callback_arms_itself_anew_without_end(void **state)
{
    (void)state;
    oak__timer_arm(&wheel, &timers[0], now, arm_again, UINT64_MAX);
    for (int i = 1; i <= 100; i++) {
        now += TICK;
        assert_int_equal(oak__timers_run(&wheel, now), 1);
        assert_int_equal(calls, i);
    }
    assert_true(oak__timer_cancel(&timers[0]));
}

static struct oak__timer *many;
static unsigned char *many_fired;

static void fired_one_of_many(struct oak__timer *t, uint64_t arg)
{
    assert_ptr_equal(t, &many[arg]);
    many_fired[arg]++;
    calls++;
}

static void a_hundred_thousand_in_a_slot_are_spread_in_instalments(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    many = calloc(MANY, sizeof *many);
    many_fired = calloc(MANY, 1);
    int64_t start = (now / OAK_MINUTE + 1) * OAK_MINUTE;
    for (size_t i = 0; i < MANY; i++)
        oak__timer_arm(&wheel, &many[i], start + (int64_t)i * 100 * OAK_MICROSECOND, fired_one_of_many, i);
    /* Half a second is due of ten: the run may not have moved all the rest as well, and says so. */
    now = start + OAK_SECOND / 2;
    oak__timers_run(&wheel, now);
    assert_true(load_relaxed(&wheel.next_due) <= now);
    int runs = 1;
    for (; load_relaxed(&wheel.next_due) <= now; runs++)
        oak__timers_run(&wheel, now);
    assert_in_range(runs, 2, 2 * MANY / 1000);
    for (size_t i = 0; i < MANY; i++) {
        if ((int64_t)i * 100 * OAK_MICROSECOND < OAK_SECOND / 2 - TICK)
            assert_int_equal(many_fired[i], 1);
        if ((int64_t)i * 100 * OAK_MICROSECOND > OAK_SECOND / 2)
            assert_int_equal(many_fired[i], 0);
        if (i % 3 == 0) /* some of them on the move */
            assert_int_equal(oak__timer_cancel(&many[i]), !many_fired[i]);
    }
    while (load_relaxed(&wheel.next_due) != OAK_FOREVER) {
        now = load_relaxed(&wheel.next_due) > now ? load_relaxed(&wheel.next_due) : now;
        oak__timers_run(&wheel, now);
    }
    assert_int_equal(wheel.count, 0);
    for (size_t i = 0; i < MANY; i++)
        if (i % 3)
            assert_int_equal(many_fired[i], 1);
    free(many);
    free(many_fired);
}

int main(void)
{
#define FRESH(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        FRESH(agrees_with_a_table_of_deadlines),
        FRESH(each_level_fires_at_its_tick),
        FRESH(sleeper_wakes_once_for_one_timer_however_far),
        FRESH(sleeper_wakes_in_vain_at_most_once_a_cascade),
        FRESH(years_and_for_ever),
        FRESH(past_deadline_fires_within_two_ticks),
        FRESH(next_due_tells_when_it_moves_earlier),
        FRESH(cancel_tells_whether_it_was_in_time),
        FRESH(no_more_fire_than_asked_for_and_none_is_lost),
        FRESH(callback_cancels_others),
        FRESH(callback_arms_itself_anew_without_end),
        FRESH(a_hundred_thousand_in_a_slot_are_spread_in_instalments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
