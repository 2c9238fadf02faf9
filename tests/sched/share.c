/* When a P keeps its backlog to itself, and when it shares it again: sched/share.h, by the clock of this test. */
#include "support/goroutine.h"
#include "sched/share.h"

#include <string.h>

static struct oak__p victim, thief;
static struct oak__m worker;
static int64_t now;

/* A theft after which the thief ran `goroutines` for so long altogether. */
static void theft(uint32_t goroutines, int64_t busy)
{
    oak__share_stolen(&worker, &thief, &victim);
    store_relaxed(&thief.tick, load_relaxed(&thief.tick) + goroutines - 1);
    oak__share_judge(&worker, &thief, worker.theft.at + busy);
}

static bool shares_at(int64_t t)
{
    return load_relaxed(&victim.alone_until) <= t;
}

static void begin(void)
{
    memset(&victim, 0, sizeof victim);
    now = oak_now();
}

TEST(thefts_that_do_not_pay_make_a_victim_keep_to_itself)
{
    begin();
    int64_t last = 0;
    for (int i = 0; i < 5; i++) {
        theft(20, 5 * OAK_MICROSECOND);
        int64_t alone = load_relaxed(&victim.alone_for);
        expect(alone >= 2 * last && alone > 0);
        expect(!shares_at(now) && shares_at(oak_now() + alone + OAK_MILLISECOND));
        last = alone;
    }
    for (int i = 0; i < 20; i++)
        theft(20, 5 * OAK_MICROSECOND);
    expect(load_relaxed(&victim.alone_for) < 100 * OAK_MILLISECOND);
}

TEST(a_theft_that_pays_is_no_reason)
{
    begin();
    theft(1, 20 * OAK_MICROSECOND); /* one, for longer than it took to get it */
    theft(1000, 100 * OAK_MICROSECOND);
    expect(shares_at(now) && load_relaxed(&victim.alone_for) == 0);
    theft(20, 5 * OAK_MICROSECOND);
    theft(1, OAK_MILLISECOND);
    expect(load_relaxed(&victim.alone_for) == 0);
}

TEST(a_theft_is_judged_once_and_by_its_own_thief)
{
    static struct oak__p other;
    begin();
    oak__share_stolen(&worker, &thief, &victim);
    oak__share_judge(&worker, &other, worker.theft.at);
    oak__share_judge(&worker, &thief, worker.theft.at);
    expect(shares_at(now));
}

TEST(longer_runs_make_it_share_again)
{
    begin();
    int64_t t = now;
    oak__share_pace(&victim, t);
    store_relaxed(&victim.alone_until, now + OAK_SECOND);
    store_relaxed(&victim.tick, 10000); /* in a millisecond: talkers */
    oak__share_pace(&victim, t += OAK_MILLISECOND);
    expect(!shares_at(now));
    store_relaxed(&victim.tick, 10100); /* ten microseconds each */
    oak__share_pace(&victim, t += OAK_MILLISECOND);
    expect(shares_at(now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thefts_that_do_not_pay_make_a_victim_keep_to_itself),
        cmocka_unit_test(a_theft_that_pays_is_no_reason),
        cmocka_unit_test(a_theft_is_judged_once_and_by_its_own_thief),
        cmocka_unit_test(longer_runs_make_it_share_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
