/*
 * Goroutines that have not run yet, on one P (sched/fresh.h): the newest runs first, so that a tree of goroutines needs
 * memory for its depth, not for its width; and the oldest still gets its turn while newer ones never cease to come.
 */
#include "../support/part.h"

#include "sched/sched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>

/*
 * Under the thread sanitizer there can be some 8,000 goroutines at a time, also such as have not run; and so little work is
 * done in a millisecond there that the oldest come all the time.
 */
enum { LEAVES = UNDER_TSAN ? 1000 : 100000, CHILDREN = 10, BOUND = 1000 };

static _Atomic int started, most; /* inner nodes that have begun and not ended */

OAK_TASK(node, oak_chan(long), up, long, size)
{
    long sum = 0, v;
    if (size == 1) {
        require(oak_send(up, 1) == 0);
        return;
    }
    int now = atomic_fetch_add(&started, 1) + 1;
    if (now > most)
        most = now;
    oak_chan(long) children = oak_make(long, 0);
    for (int i = 0; i < CHILDREN; i++)
        require(oak_go_detached(node, children, size / CHILDREN) == 0);
    for (int i = 0; i < CHILDREN; i++) {
        require(oak_recv(children, &v) == 0);
        sum += v;
    }
    require(oak_chan_free(children) == 0);
    atomic_fetch_sub(&started, 1);
    require(oak_send(up, sum) == 0);
}

static int tree(int argc, char **argv)
{
    (void)argc, (void)argv;
    oak_chan(long) root = oak_make(long, 0);
    long sum;
    require(oak_go_detached(node, root, LEAVES) == 0);
    require(oak_recv(root, &sum) == 0);
    require(sum == LEAVES);
    /*
     * First come, first served it would be some 1,400, so far some 80; on a busy machine up to 210, because the oldest come
     * by the clock.
     */
    printf("at most %d inner nodes at a time\n", most);
    require(most < BOUND);
    return 0;
}

static _Atomic bool oldest_ran;

/* Whichever end of the list a goroutine came from, nothing of the list is left where its chain of defers begins. */
static void no_defers_yet(void)
{
    require(oak__self()->defers == NULL);
}

static void oldest(void *unused)
{
    (void)unused;
    no_defers_yet();
    oldest_ran = true;
}

static void newer(void *unused)
{
    (void)unused;
    no_defers_yet();
}

static int flood(int argc, char **argv)
{
    (void)argc, (void)argv;
    require(oak_spawn(oldest, NULL) == 0);
    while (!oldest_ran) {
        /* More than run until the next round. */
        for (int i = 0; i < 4; i++)
            require(oak_spawn(newer, NULL) == 0);
        oak_yield();
    }
    return 0;
}

static int on_one_p(void *app)
{
    set_procs(1);
    return oak_run(*(int (**)(int, char **))app, 0, NULL);
}

static void a_tree_is_walked_in_depth(void **state)
{
    int (*app)(int, char **) = tree;
    (void)state;
    assert_true(child_succeeds(on_one_p, &app, true));
}

static void the_oldest_gets_its_turn(void **state)
{
    int (*app)(int, char **) = flood;
    (void)state;
    assert_true(child_succeeds(on_one_p, &app, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_is_walked_in_depth),
        cmocka_unit_test(the_oldest_gets_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
