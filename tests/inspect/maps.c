#include "inspect/maps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void finds_code_stack_and_heap_with_their_rights(void **state)
{
    (void)state;
    struct oak__map m;
    static int data;
    int local;
    assert_true(oak__maps_find((const void *)(uintptr_t)finds_code_stack_and_heap_with_their_rights, &m));
    assert_true(m.executable);
    assert_false(m.writable);
    assert_non_null(strstr(m.path, "inspect-maps"));
    assert_true(oak__maps_find(&data, &m));
    assert_true(m.writable && !m.executable);
    assert_true(oak__maps_find(&local, &m));
    assert_true(m.readable && m.writable);
    assert_true((uintptr_t)&local >= m.lo && (uintptr_t)&local < m.hi);
}

static void unmapped_is_not_found(void **state)
{
    (void)state;
    struct oak__map m;
    assert_false(oak__maps_find(NULL, &m));
    assert_false(oak__maps_find((const void *)UINTPTR_MAX, &m));
}

static void anonymous_mapping_has_no_path(void **state)
{
    (void)state;
    struct oak__map m;
    char *p = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    assert_int_equal(mprotect(p + 4096, 4096, PROT_READ), 0);
    assert_true(oak__maps_find(p + 5000, &m));
    assert_true(m.lo == (uintptr_t)p + 4096 && m.hi == (uintptr_t)p + 8192);
    assert_string_equal(m.path, "");
    assert_true(m.readable && !m.writable && !m.executable);
    munmap(p, 3 * 4096);
}

struct order {
    uintptr_t last;
    int n;
};

static bool in_order(const struct oak__map *m, void *arg)
{
    struct order *o = arg;
    assert_true(m->lo >= o->last && m->hi > m->lo);
    o->last = m->hi;
    return ++o->n != 3;
}

static void visits_in_order_until_told_to_stop(void **state)
{
    (void)state;
    struct order o = {0, 0};
    assert_int_equal(oak__maps_each(in_order, &o), 0);
    assert_int_equal(o.n, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_code_stack_and_heap_with_their_rights),
        cmocka_unit_test(unmapped_is_not_found),
        cmocka_unit_test(anonymous_mapping_has_no_path),
        cmocka_unit_test(visits_in_order_until_told_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
