#include "inspect/group.h"

#include "base/os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct oak_goroutine_info waiting(uint64_t id, uintptr_t frame, int64_t since)
{
    return (struct oak_goroutine_info){
        .id = id,
        .state = OAK_STATE_WAITING,
        .reason = OAK_WAIT_CHAN_SEND,
        .wait_since = since,
        .created_at = (const void *)0x1000,
        .entry = (const void *)0x2000,
        .frames = {(const void *)frame, (const void *)0x3000},
        .nframes = 2,
    };
}

static struct oak__group *add(struct oak__groups *gs, struct oak_goroutine_info g)
{
    struct oak__group *gr = oak__groups_add(gs, &g, 0, 10);
    assert_non_null(gr);
    return gr;
}

static void alike_goroutines_are_counted_together(void **state)
{
    (void)state;
    struct oak__groups gs = {.n = 0};
    add(&gs, waiting(1, 0x10, 500));
    add(&gs, waiting(2, 0x20, 100));
    add(&gs, waiting(3, 0x20, 300));
    struct oak__group *gr = add(&gs, waiting(4, 0x20, 200));
    assert_int_equal(gs.n, 2);
    assert_int_equal(oak__groups_sort(&gs), 0);
    assert_ptr_equal(gs.sorted[0], gr);
    assert_int_equal(gr->count, 3);
    assert_int_equal(gr->weight, 30);
    assert_int_equal(gr->oldest, 100);
    assert_int_equal(gr->newest, 300);
    assert_int_equal(gr->ids[0], 2);
    assert_int_equal(gr->ids[2], 4);
    assert_int_equal(gr->first.id, 2);
    oak__groups_free(&gs);
    assert_int_equal(gs.n, 0);
}

static void each_part_of_the_key_tells_apart(void **state)
{
    (void)state;
    struct oak__groups gs = {.n = 0};
    struct oak_goroutine_info g = waiting(1, 0x10, 0);
    add(&gs, g);
    g.reason = OAK_WAIT_CHAN_RECV;
    add(&gs, g);
    g.created_at = (const void *)0x1001;
    add(&gs, g);
    g.nframes = 1;
    add(&gs, g);
    g.frames[0] = (const void *)0x11;
    add(&gs, g);
    g.state = OAK_STATE_RUNNABLE;
    add(&gs, g);
    assert_non_null(oak__groups_add(&gs, &g, 1, 0));
    assert_int_equal(gs.n, 7);
    /* What is not part of it. */
    g.name = "n";
    g.wait_object = &gs;
    g.scope_name = "s";
    add(&gs, g);
    assert_int_equal(gs.n, 7);
    oak__groups_free(&gs);
}

static void without_a_stack_the_function_tells_apart(void **state)
{
    (void)state;
    struct oak__groups gs = {.n = 0};
    struct oak_goroutine_info g = waiting(1, 0x10, 0);
    g.nframes = 0;
    add(&gs, g);
    g.entry = (const void *)0x2001;
    add(&gs, g);
    assert_int_equal(gs.n, 2);
    oak__groups_free(&gs);
}

static void tag_comes_before_number_and_number_before_id(void **state)
{
    (void)state;
    struct oak__groups gs = {.n = 0};
    struct oak_goroutine_info g = waiting(9, 0x10, 0);
    oak__groups_add(&gs, &g, 2, 0);
    for (uint64_t id = 10; id < 13; id++)
        add(&gs, waiting(id, 0x20, 0));
    add(&gs, waiting(5, 0x30, 0));
    add(&gs, waiting(4, 0x40, 0));
    assert_int_equal(oak__groups_sort(&gs), 0);
    const uint64_t expected[] = {9, 10, 4, 5};
    for (int i = 0; i < 4; i++)
        assert_int_equal(gs.sorted[i]->first.id, expected[i]);
    oak__groups_free(&gs);
}

static void same_name_and_object_are_noticed(void **state)
{
    (void)state;
    struct oak__groups gs = {.n = 0};
    char a[] = "worker", b[] = "worker";
    struct oak_goroutine_info g = waiting(1, 0x10, 0);
    g.name = a;
    g.wait_object = a;
    add(&gs, g);
    g.name = b;
    struct oak__group *gr = add(&gs, g);
    assert_true(gr->same_name && gr->same_object);
    g.wait_object = b;
    add(&gs, g);
    assert_true(gr->same_name && !gr->same_object);
    g.name = NULL;
    add(&gs, g);
    assert_false(gr->same_name);
    oak__groups_free(&gs);
}

static void many_groups_are_all_found_again(void **state)
{
    (void)state;
    enum { N = 5000 };
    struct oak__groups gs = {.n = 0};
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 1; i <= N; i++)
            add(&gs, waiting(i, 0x10 + i, 0));
    assert_int_equal(gs.n, N);
    assert_int_equal(oak__groups_sort(&gs), 0);
    for (uint64_t i = 0; i < N; i++) {
        assert_int_equal(gs.sorted[i]->first.id, i + 1);
        assert_int_equal(gs.sorted[i]->count, 2);
    }
    oak__groups_free(&gs);
}

static void out_of_memory_is_reported_and_loses_nothing(void **state)
{
    (void)state;
    struct oak__groups gs = {.n = 0};
    struct oak_goroutine_info g = waiting(1, 0x10, 0);
    oak__fault_set(OAK__FAULT_MALLOC, 0, 1, ENOMEM);
    assert_null(oak__groups_add(&gs, &g, 0, 0));
    oak__fault_set(OAK__FAULT_MALLOC, 1, 1, ENOMEM);
    assert_null(oak__groups_add(&gs, &g, 0, 0));
    add(&gs, g);
    oak__fault_set(OAK__FAULT_MALLOC, 0, 1, ENOMEM);
    assert_int_equal(oak__groups_sort(&gs), -ENOMEM);
    assert_int_equal(oak__groups_sort(&gs), 0);
    assert_int_equal(gs.sorted[0]->count, 1);
    oak__groups_free(&gs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alike_goroutines_are_counted_together),
        cmocka_unit_test(each_part_of_the_key_tells_apart),
        cmocka_unit_test(without_a_stack_the_function_tells_apart),
        cmocka_unit_test(tag_comes_before_number_and_number_before_id),
        cmocka_unit_test(same_name_and_object_are_noticed),
        cmocka_unit_test(many_groups_are_all_found_again),
        cmocka_unit_test(out_of_memory_is_reported_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
