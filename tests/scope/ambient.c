/* Blocks with another ambient context: every way out restores the former one. */
#include "../support/goroutine.h"

#include "sched/sched.h"

#include <string.h>

static oak_ctx *now(void)
{
    return oak_ctx_current();
}

TEST(context_is_ambient_inside)
{
    oak_ctx *c = oak_ctx_new(NULL), *d = oak_ctx_new(c);
    oak_with_ctx (c) {
        expect(now() == c);
        oak_with_ctx (d) {
            expect(now() == d);
            oak_with_ctx (NULL)
                expect(now() == NULL);
            oak_with_ctx (d)
                expect(now() == d);
            expect(now() == d);
        }
        expect(now() == c);
        oak_with_timeout (OAK_HOUR) {
            expect(now() != c && oak_ctx_deadline(now()) != OAK_FOREVER);
            oak_with_timeout (2 * OAK_HOUR)
                expect(oak_ctx_deadline(now()) < oak_now() + OAK_HOUR);
        }
    }
    expect(now() == NULL && oak__self()->defers == NULL);
    oak_ctx_unref(d);
    oak_ctx_unref(c);
}

static int leave_by_return(oak_ctx *c)
{
    oak_with_ctx (c) {
        oak_with_timeout (OAK_HOUR)
            return 7;
    }
    return 8;
}

static void leave_by_panic(void *c)
{
    oak_with_ctx (c)
        oak_with_timeout (OAK_HOUR)
            oak_panic("out");
}

TEST(every_way_out_restores_the_outer_one)
{
    oak_ctx *c = oak_ctx_new(NULL);
    for (int i = 0; i < 3; i++) {
        oak_with_ctx (c) {
            if (i == 0)
                break;
            if (i == 1)
                goto out;
            expect(now() == c);
        }
        expect(now() == NULL);
        continue;
    out:
        expect(now() == NULL);
    }
    expect(leave_by_return(c) == 7 && now() == NULL);
    expect(oak_recover(leave_by_panic, c, NULL) == -ENOTRECOVERABLE && now() == NULL);
    expect(oak__self()->defers == NULL);
    oak_ctx_unref(c);
}

TEST(time_limit_ends_what_is_inside_and_only_that)
{
    oak_with_timeout (OAK_MILLISECOND) {
        expect(oak_sleep(OAK_HOUR) == -ETIMEDOUT);
        expect(oak_sleep(1) == -ETIMEDOUT);
        oak_with_timeout (OAK_HOUR)
            expect(oak_sleep(1) == -ETIMEDOUT);
    }
    expect(oak_sleep(1) == 0);
}

static char key;

TEST(shield_does_not_feel_the_outer_end_but_has_its_values_and_its_own_deadline)
{
    int v = 3;
    oak_ctx *c = oak_ctx_with_value(NULL, &key, &v), *below = oak_ctx_with_timeout(c, OAK_HOUR);
    oak_with_ctx (below) {
        oak_shield (OAK_FOREVER) {
            expect(oak_ctx_deadline(now()) == OAK_FOREVER);
            expect(oak_ctx_cancel(c, 0) == 0);
            expect(oak_sleep(1) == 0);
            expect(oak_ctx_value(now(), &key) == &v);
        }
        expect(oak_sleep(1) == -ECANCELED);
        oak_shield (OAK_MILLISECOND)
            expect(oak_sleep(OAK_HOUR) == -ETIMEDOUT);
        oak_shield (OAK_HOUR) {
            expect(oak_sleep(1) == 0);
            oak_ctx *inside = oak_ctx_new(now());
            expect(oak_ctx_err(inside) == 0);
            oak_ctx_unref(inside);
        }
    }
    oak_ctx_unref(below);
    oak_ctx_unref(c);
}

/* The outer context is held by nobody but the goroutine itself. */
OAK_TASK(member, oak_waitgroup *, wg, oak_ctx *, other)
{
    oak_ctx *mine = now();
    oak_waitgroup_done(wg);
    oak_with_ctx (other)
        oak_yield();
    expect(now() == mine && oak_ctx_err(mine) == 0);
}

TEST(block_keeps_the_outer_context_alive)
{
    oak_waitgroup wg = {0};
    oak_ctx *other = oak_ctx_new(NULL);
    oak_scope (s) {
        oak_waitgroup_add(&wg, 1);
        expect(oak_go(s, member, &wg, other) == 0);
        expect(oak_waitgroup_wait(&wg) == 0);
    }
    oak_ctx_unref(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context_is_ambient_inside),
        cmocka_unit_test(every_way_out_restores_the_outer_one),
        cmocka_unit_test(time_limit_ends_what_is_inside_and_only_that),
        cmocka_unit_test(shield_does_not_feel_the_outer_end_but_has_its_values_and_its_own_deadline),
        cmocka_unit_test(block_keeps_the_outer_context_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
