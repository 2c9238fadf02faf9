/* Every kind of entry of a report, word by word. */
#include "inspect/print.h"

#include "inspect/walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "shape.h"

#include <dlfcn.h>

static struct oak_goroutine_info info;

/* Functions with names that matter, not static: a static one between oak_ names counts as the runtime's. */
int oak_test_callback(int (*fn)(void));
int oak__test_park(void);
int oak_test_receive(void);
int reader(void);
int worker__entry(void);
int creator(void);

NOINLINE int oak__test_park(void)
{
    const char *fp = __builtin_frame_address(0);
    info.nframes = oak__walk(fp, fp, fp + 65536, info.frames, OAK_MAX_FRAMES);
    return info.nframes;
}

NOINLINE int oak_test_receive(void)
{
    return oak__test_park() + 1;
}

NOINLINE int reader(void)
{
    return oak_test_receive() + 1;
}

NOINLINE int oak_test_callback(int (*fn)(void))
{
    return fn() + 1;
}

NOINLINE int worker__entry(void)
{
    return oak_test_callback(reader) + 1;
}

NOINLINE int creator(void)
{
    return worker__entry() + 1;
}

/* A goroutine that waits: frames are those of creator .. oak__test_park; what is below belongs to the test
 * runner. */
static void fill(void)
{
    info = (struct oak_goroutine_info){
        .id = 7,
        .parent = 1,
        .state = OAK_STATE_WAITING,
        .reason = OAK_WAIT_CHAN_RECV,
        .wait_since = 1 * OAK_SECOND,
        .entry = (const void *)(uintptr_t)creator,
    };
    creator();
    info.nframes = 4;
    info.created_at = info.frames[4];
}

static const struct oak__style grouped = {.indent = "", .now = 13 * OAK_SECOND + 345 * OAK_MILLISECOND};
static const struct oak__style full = {.indent = "> ", .now = 13 * OAK_SECOND, .full = true};
static const struct oak__style plain = {.indent = "", .now = 13 * OAK_SECOND, .plain = true};

static char *text_of(const struct oak__style *st, const struct oak__group *gr)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    struct oak__out o = OAK__OUT_FILE(f);
    if (gr)
        oak__print_group(&o, st, gr);
    else
        oak__print_goroutine(&o, st, &info);
    oak__outf(&o, "\n");
    oak__print_entry(&o, st, &info, gr);
    assert_int_equal(o.err, 0);
    fclose(f);
    return shape(text);
}

static void expect(const struct oak__style *st, const struct oak__group *gr, const char *expected)
{
    char *text = text_of(st, gr);
    assert_string_equal(text, expected);
    free(text);
}

static void one_goroutine_in_full(void **state)
{
    (void)state;
    fill();
    info.name = "greeter";
    info.scope_name = "requests";
    info.wait_object = &info;
    expect(&full, NULL,
           "goroutine 7 \"greeter\" waiting (chan receive) for 12.0 s on 0x, in scope \"requests\"\n"
           ">     blocked in oak_test_receive at reader @\n"
           ">       from oak_test_callback @\n"
           ">       from worker @\n"
           ">     created by goroutine 1 in creator @\n");
}

static void a_group(void **state)
{
    (void)state;
    struct oak__groups gs = {.n = 0};
    struct oak__group *gr = NULL;
    fill();
    for (int i = 0; i < 11; i++) {
        struct oak_goroutine_info g = info;
        g.id += (uint64_t)i;
        g.wait_since += i;
        gr = oak__groups_add(&gs, &g, 0, 0);
    }
    expect(&grouped, gr,
           "11 goroutines waiting (chan receive), oldest 12.3 s\n"
           "    blocked in oak_test_receive at reader @\n"
           "      from oak_test_callback @\n"
           "      from worker @\n"
           "    created by creator @\n"
           "    goroutines 7, 8, 9, 10, 11, 12, 13, 14 and 3 more\n");
    oak__groups_free(&gs);
}

/* As after loop unrolling: two places in the program, one place in the source. */
static void groups_that_read_alike_are_joined(void **state)
{
    (void)state;
    /* Without lines the two places differ in words, too. */
    if (!dlopen("libdw.so.1", RTLD_NOW))
        skip();
    struct oak__groups gs = {.n = 0};
    fill();
    struct oak_goroutine_info g = info, other = info;
    for (uint64_t i = 0; i < 6; i++) {
        g.id = 10 + 2 * i;
        g.wait_since = (int64_t)(2 + i) * OAK_SECOND;
        assert_non_null(oak__groups_add(&gs, &g, 0, 1));
    }
    other.id = 11;
    other.created_at = (const char *)info.created_at - 1;
    assert_non_null(oak__groups_add(&gs, &other, 0, 10));
    other.id = 9;
    other.reason = OAK_WAIT_CHAN_SEND;
    assert_non_null(oak__groups_add(&gs, &other, 0, 0));
    assert_int_equal(gs.n, 3);
    assert_int_equal(oak__groups_describe(&gs, &grouped), 0);
    assert_int_equal(gs.n, 2);
    struct oak__group *gr = gs.sorted[0];
    assert_int_equal(gr->count, 7);
    assert_int_equal(gr->weight, 16);
    assert_int_equal(gr->oldest, OAK_SECOND);
    expect(&grouped, gr,
           "7 goroutines waiting (chan receive), oldest 12.3 s\n"
           "    blocked in oak_test_receive at reader @\n"
           "      from oak_test_callback @\n"
           "      from worker @\n"
           "    created by creator @\n"
           "    goroutines 10, 11, 12, 14, 16, 18, 20\n");
    oak__groups_free(&gs);
}

static void a_group_of_one(void **state)
{
    (void)state;
    struct oak__groups gs = {.n = 0};
    fill();
    expect(&grouped, oak__groups_add(&gs, &info, 0, 0),
           "1 goroutine waiting (chan receive) for 12.3 s\n"
           "    blocked in oak_test_receive at reader @\n"
           "      from oak_test_callback @\n"
           "      from worker @\n"
           "    created by creator @\n"
           "    goroutine 7\n");
    oak__groups_free(&gs);
}

static void plain_needs_no_libdw(void **state)
{
    (void)state;
    fill();
    info.has_deadline = true;
    expect(&plain, NULL,
           "goroutine 7 waiting (chan receive) for 12.0 s, with a deadline\n"
           "    blocked in oak_test_receive at reader @\n"
           "      from oak_test_callback @\n"
           "      from worker @\n"
           "    created by creator @\n");
}

/* A tail call or a stripped library can leave no public frame: the reason names the call. */
static void the_reason_names_the_call_when_the_stack_does_not(void **state)
{
    (void)state;
    fill();
    memmove(info.frames, info.frames + 1, sizeof info.frames - sizeof info.frames[0]);
    info.nframes = 1;
    info.created_at = NULL;
    info.reason = OAK_WAIT_MUTEX;
    expect(&grouped, NULL,
           "goroutine 7 waiting (sync.Mutex.Lock) for 12.3 s\n"
           "    blocked in oak_mutex_lock at reader @\n");
    info.nframes = 0;
    info.reason = OAK_WAIT_SELECT;
    expect(&grouped, NULL,
           "goroutine 7 waiting (select) for 12.3 s\n"
           "    blocked in oak_select\n"
           "    runs creator @\n");
}

static void goroutines_that_do_not_wait(void **state)
{
    (void)state;
    fill();
    info.nframes = 0;
    info.created_at = NULL;
    info.reason = OAK_WAIT_NONE;
    info.state = OAK_STATE_RUNNABLE;
    expect(&grouped, NULL, "goroutine 7 runnable\n    will start creator @\n");
    info.state = OAK_STATE_RUNNING;
    expect(&grouped, NULL, "goroutine 7 running\n    runs creator @\n");
    info.state = OAK_STATE_SYSCALL;
    expect(&grouped, NULL, "goroutine 7 in a system call or a long computation\n    runs creator @\n");
    fill();
    info.reason = OAK_WAIT_NONE;
    info.state = OAK_STATE_RUNNABLE;
    info.nframes = 2;
    expect(&full, NULL,
           "goroutine 7 runnable\n"
           ">     at reader @\n"
           ">     created by goroutine 1 in creator @\n");
}

static void ages_are_readable(void **state)
{
    (void)state;
    const struct {
        int64_t age;
        const char *text;
    } cases[] = {
        {-5, "0 ms"},
        {999 * OAK_MILLISECOND, "999 ms"},
        {OAK_SECOND, "1.0 s"},
        {99 * OAK_SECOND, "99.0 s"},
        {100 * OAK_SECOND, "1 min"},
        {99 * OAK_MINUTE, "99 min"},
        {100 * OAK_MINUTE, "1 h"},
        {1000 * OAK_HOUR, "1000 h"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char text[64] = "";
        FILE *f = fmemopen(text, sizeof text, "w");
        struct oak__out o = OAK__OUT_FILE(f);
        oak__out_age(&o, cases[i].age);
        fclose(f);
        assert_string_equal(text, cases[i].text);
    }
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    FILE *f = fopen("/dev/full", "w");
    assert_non_null(f);
    setvbuf(f, NULL, _IONBF, 0);
    struct oak__out o = OAK__OUT_FILE(f);
    oak__outf(&o, "x");
    assert_int_equal(o.err, -ENOSPC);
    struct oak__out d = OAK__OUT_FD(fileno(f));
    oak__outf(&d, "x");
    assert_int_equal(d.err, -ENOSPC);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_goroutine_in_full),
        cmocka_unit_test(a_group),
        cmocka_unit_test(groups_that_read_alike_are_joined),
        cmocka_unit_test(a_group_of_one),
        cmocka_unit_test(plain_needs_no_libdw),
        cmocka_unit_test(the_reason_names_the_call_when_the_stack_does_not),
        cmocka_unit_test(goroutines_that_do_not_wait),
        cmocka_unit_test(ages_are_readable),
        cmocka_unit_test(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
