/* What stale memory must not hide, and what the report says of a leak. */
#include "proventest.h"

/* ---- what stale memory must not hide ---- */

static NOINLINE void free_what_knew(void)
{
    struct job *knew[40];
    ints ch = make();
    for (int i = 0; i < 40; i++) {
        knew[i] = calloc(1, i < 20 ? sizeof *knew[i] : 3000);
        if (!knew[i])
            abort();
        knew[i]->request = knew[i]->response = ch;
    }
    go("freed", send_one, raw_of(ch));
    settle("freed", 1);
    for (int i = 0; i < 40; i++)
        free(knew[i]);
}

static void freed_holders(struct scene *s)
{
    free_what_knew();
    check_now(s);
}

static void a_channel_that_only_freed_blocks_knew(void **state)
{
    (void)state;
    assert_proven(freed_holders, "freed", 1);
}

static NOINLINE void dirty_the_stack(volatile uintptr_t *stack, uintptr_t with)
{
    for (int i = 0; i < 100; i++)
        stack[i] = with;
}

static NOINLINE void leave_in_dead_stack(void)
{
    volatile uintptr_t stack[100];
    ints ch = make();
    dirty_the_stack(stack, (uintptr_t)ch);
    go("dead stack", send_one, raw_of(ch));
    settle("dead stack", 1);
}

static void dead_stack(struct scene *s)
{
    leave_in_dead_stack();
    check_now(s);
}

static void a_channel_that_only_a_dead_part_of_a_stack_knew(void **state)
{
    (void)state;
    assert_proven(dead_stack, "dead stack", 1);
}

/* ---- the report ---- */

static NOINLINE void retain(void)
{
    struct job *j = malloc(100000);
    if (!j)
        abort();
    j->response = make();
    j->request = make();
    go("retaining", serve, j);
    settle("retaining", 1);
}

static void retaining(struct scene *s)
{
    retain();
    check_now(s);
}

static void says_what_is_retained_where_and_why(void **state)
{
    (void)state;
    struct scene *s = play(retaining);
    const struct oak_leak *l = first_proven(s, "retaining");
    assert_non_null(l);
    if (!l)
        return;
    assert_true(l->retained >= 100000 && l->retained < 110000);
    assert_int_equal(l->g.reason, OAK_WAIT_CHAN_RECV);
    assert_true(l->g.nframes > 0);
    char object[32];
    snprintf(object, sizeof object, "%p", l->g.wait_object);
    assert_non_null(strstr(l->why, object));
    assert_non_null(strstr(s->text, "leaked (proven)"));
    assert_non_null(strstr(s->text, ", retaining "));
    /* Of those that read alike the text gives the reason of the first. */
    assert_non_null(strstr(s->text, "no reference to channel 0x"));
    assert_true(oak_leak_pause(s->report) > 0);
    assert_true(oak_leak_duration(s->report) >= oak_leak_pause(s->report));
    done(s);
}

static NOINLINE void two_receivers(void)
{
    ints ch = make();
    go("two more", receive_one, raw_of(ch));
    go("two more", receive_one, raw_of(ch));
    settle("two more", 2);
}

static void two_more(struct scene *s)
{
    two_receivers();
    check_now(s);
}

static void names_the_others_that_know_the_channel(void **state)
{
    (void)state;
    struct scene *s = play(two_more);
    const struct oak_leak *l = first_proven(s, "two more"), *next;
    uint64_t other = 0; /* ids need not follow one another: each P has a stock of its own */
    for (size_t i = 0; l && (next = oak_leak_at(s->report, i)); i++)
        if (next->g.id != l->g.id && next->g.name && strcmp(next->g.name, "two more") == 0)
            other = next->g.id;
    char expected[64];
    snprintf(expected, sizeof expected, "outside leaked goroutines %llu, %llu",
             l ? (unsigned long long)l->g.id : 0, (unsigned long long)other);
    assert_non_null(strstr(l ? l->why : "", expected));
    done(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_that_only_freed_blocks_knew),
        cmocka_unit_test(a_channel_that_only_a_dead_part_of_a_stack_knew),
        cmocka_unit_test(says_what_is_retained_where_and_why),
        cmocka_unit_test(names_the_others_that_know_the_channel),
    };
    return heap_is_known() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
