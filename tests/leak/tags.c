/* With liboakum-tags a report says where the blocks that keep most were allocated. */
#include "leaktest.h"

#include "leak/tag.h"

#include <malloc.h>

typedef oak_chan(int) ints;

static void *handed_over;

/* None may end with a jump to malloc, which would then return to its caller. */
static NOINLINE void *build_session(void)
{
    void *volatile p = malloc(3000);
    return p;
}

static NOINLINE void *build_table(void)
{
    void *volatile p = calloc(100, 40);
    return p;
}

static NOINLINE void *grow(void *p)
{
    void *volatile more = realloc(p, 6000);
    return more;
}

static void hold(void *unused)
{
    (void)unused;
    void *volatile mine = handed_over;
    handed_over = NULL;
    if (oak_recv(oak_make(int, 0), &(int){0}) != -ECANCELED)
        abort();
    free(mine);
}

static void *(*how)(void);

static void build(void *unused)
{
    (void)unused;
    handed_over = how();
    go("holder", hold, NULL);
    settle("holder", 1);
}

static void leak_one(struct scene *s)
{
    go("builder", build, NULL);
    settle("builder", 0);
    check_now(s);
    FILE *f = fmemopen(s->text, sizeof s->text, "w");
    if (oak_leak_print(s->report, f) || oak_leak_reclaim(s->report, NULL, NULL) != 1)
        abort();
    fclose(f);
    settle("holder", 0);
}

static void is_told(void *(*fn)(void), const char *where)
{
    char text[64], place[256];
    how = fn;
    struct scene *s = play(leak_one);
    const struct oak_leak_block *b = oak_leak_block_at(s->report, 0);
    assert_true(oak_leak_exact_heap(s->report));
    assert_non_null(b->allocated_at);
    oak_symbolize(b->allocated_at, place, sizeof place);
    assert_non_null(strstr(place, where));
    snprintf(text, sizeof text, ", allocated by %s", where);
    if (!strstr(s->text, text))
        fprintf(stderr, "%s", s->text);
    assert_non_null(strstr(s->text, text));
    done(s);
}

static void *grown(void)
{
    return grow(build_session());
}

static void where_blocks_were_allocated(void **state)
{
    (void)state;
    const bool lines = lines_are_known();
    is_told(build_session, lines ? "build_session (tags.c:" : "build_session+");
    is_told(build_table, lines ? "build_table (tags.c:" : "build_table+");
    is_told(grown, lines ? "grow (tags.c:" : "grow+");
}

/* As numbers, so that the compiler does not know better what may be done with them. */
static NOINLINE uintptr_t alloc(size_t size)
{
    return (uintptr_t)malloc(size);
}

static NOINLINE uintptr_t calloc_at(size_t n, size_t size)
{
    return (uintptr_t)calloc(n, size);
}

static NOINLINE uintptr_t realloc_at(uintptr_t p, size_t size)
{
    return (uintptr_t)realloc((void *)p, size);
}

static NOINLINE uintptr_t site_of(uintptr_t p)
{
    return oak__tag_read((const char *)p, p, p + malloc_usable_size((void *)p));
}

static void what_malloc_promises_holds(void **state)
{
    (void)state;
    volatile size_t huge = SIZE_MAX;
    assert_int_equal(alloc(huge), 0);
    assert_int_equal(alloc(huge - 8), 0);
    assert_int_equal(calloc_at(huge / 2, 3), 0);
    uintptr_t p = alloc(0);
    assert_true(p && site_of(p));
    p = realloc_at(p, 100);
    memset((void *)p, 'x', 100);
    p = realloc_at(p, 1 << 20); /* by a mapping of its own */
    assert_int_equal(((char *)p)[99], 'x');
    assert_true(site_of(p) != 0);
    assert_int_equal(realloc_at(p, huge), 0);
    assert_int_equal(((char *)p)[99], 'x');
    memset((void *)p, 0, malloc_usable_size((void *)p)); /* allowed: only the tag is lost */
    assert_int_equal(site_of(p), 0);
    free((void *)p);
    char *zeros = calloc(10, 30);
    for (int i = 0; i < 300; i++)
        assert_int_equal(zeros[i], 0);
    free(zeros);
    void *aligned = aligned_alloc(64, 640); /* not one of ours */
    assert_int_equal(site_of((uintptr_t)aligned), 0);
    free(aligned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_blocks_were_allocated),
        cmocka_unit_test(what_malloc_promises_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
