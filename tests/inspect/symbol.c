#include "inspect/symbol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* The return address of a call on the line that it reports. */
static NOINLINE const void *here(void)
{
    return __builtin_return_address(0);
}

struct place {
    const void *pc;
    int line;
};

static NOINLINE struct place a_place(void)
{
    struct place p = {.line = __LINE__ + 1};
    p.pc = here();
    return p;
}

static inline __attribute__((always_inline)) struct place inlined_place(void)
{
    struct place p;
    p.pc = here();
    return p;
}

static NOINLINE struct place around_inlined(void)
{
    struct place p = inlined_place();
    __asm__ volatile("" ::: "memory");
    return p;
}

/* Cross-built the library knows nothing of libdw; elsewhere it must find it where the loader does. */
static bool with_lines(void)
{
#if defined(__x86_64__)
    if (dlopen("libdw.so.1", RTLD_NOW))
        return true;
#endif
    struct oak__symbol s;
    return oak__symbols_at(a_place().pc, OAK__PC_RETURN, &s, 1) == 1 && s.line;
}

static void a_return_address_names_function_file_and_line(void **state)
{
    (void)state;
    struct oak__symbol s[4];
    struct place p = a_place();
    assert_int_equal(oak__symbols_at(p.pc, OAK__PC_RETURN, s, 4), 1);
    assert_string_equal(s[0].function, "a_place");
    assert_false(s[0].runtime);
    if (!with_lines())
        return;
    assert_string_equal(oak__base_name(s[0].file), "symbol.c");
    assert_int_equal(s[0].line, p.line);
}

static void inlined_functions_are_told_apart(void **state)
{
    (void)state;
    struct oak__symbol s[4];
    if (!with_lines())
        skip();
    assert_int_equal(oak__symbols_at(around_inlined().pc, OAK__PC_RETURN, s, 4), 2);
    assert_string_equal(s[0].function, "inlined_place");
    assert_string_equal(s[1].function, "around_inlined");
    assert_true(s[1].line > s[0].line);
    assert_int_equal(oak__symbols_at(around_inlined().pc, OAK__PC_RETURN, s, 1), 1);
}

static void symbol_table_alone_gives_function_and_offset(void **state)
{
    (void)state;
    struct oak__symbol s;
    char text[256], expected[256];
    const char *pc = a_place().pc;
    oak__symbol_plain(pc, OAK__PC_RETURN, &s);
    assert_string_equal(s.function, "a_place");
    assert_int_equal(s.offset, pc - 1 - (const char *)(uintptr_t)a_place);
    oak__symbol_text(&s, pc, text, sizeof text);
    snprintf(expected, sizeof expected, "a_place+0x%llx (%s)", (unsigned long long)s.offset, s.module);
    assert_string_equal(text, expected);
}

static void the_runtimes_own_code_is_known_even_when_its_name_does_not_tell(void **state)
{
    (void)state;
    struct oak__symbol s;
    oak__symbols_at((const void *)(uintptr_t)oak__base_name, OAK__PC_EXACT, &s, 1);
    assert_string_equal(s.function, "oak__base_name");
    assert_true(s.runtime);
}

static void text_has_three_shapes(void **state)
{
    (void)state;
    char text[64];
    struct oak__symbol s = {.function = "f", .file = "../src/a.c", .line = 12, .module = "m", .offset = 28};
    oak__symbol_text(&s, NULL, text, sizeof text);
    assert_string_equal(text, "f (a.c:12)");
    s.line = 0;
    oak__symbol_text(&s, NULL, text, sizeof text);
    assert_string_equal(text, "f+0x1c (m)");
    s.function[0] = 0;
    oak__symbol_text(&s, NULL, text, sizeof text);
    assert_string_equal(text, "m+0x1c");
    s.module[0] = 0;
    oak__symbol_text(&s, (const void *)0x12c, text, sizeof text);
    assert_string_equal(text, "0x12c");
    assert_int_equal(oak__symbol_text(&s, (const void *)0x12c, text, 3), 5);
    assert_string_equal(text, "0x");
}

static void nonsense_has_no_symbol(void **state)
{
    (void)state;
    const void *const none[] = {NULL, (const void *)1, (const void *)UINTPTR_MAX};
    for (size_t i = 0; i < countof(none); i++) {
        struct oak__symbol s;
        assert_int_equal(oak__symbols_at(none[i], OAK__PC_RETURN, &s, 1), 1);
        assert_string_equal(s.function, "");
    }
}

static void *symbolize_often(void *arg)
{
    for (int i = 0; i < 200; i++) {
        struct oak__symbol s;
        oak__symbols_at(a_place().pc, OAK__PC_RETURN, &s, 1);
        if (strcmp(s.function, "a_place") != 0)
            return arg;
    }
    return NULL;
}

static void threads_may_ask_at_the_same_time(void **state)
{
    (void)state;
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, symbolize_often, t), 0);
    for (int i = 0; i < 4; i++) {
        void *bad;
        pthread_join(t[i], &bad);
        assert_null(bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_return_address_names_function_file_and_line),
        cmocka_unit_test(inlined_functions_are_told_apart),
        cmocka_unit_test(symbol_table_alone_gives_function_and_offset),
        cmocka_unit_test(the_runtimes_own_code_is_known_even_when_its_name_does_not_tell),
        cmocka_unit_test(text_has_three_shapes),
        cmocka_unit_test(nonsense_has_no_symbol),
        cmocka_unit_test(threads_may_ask_at_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
