#include <oakum.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void library_says_the_version_of_its_headers(void **state)
{
    (void)state;
    assert_string_equal(oak_version(), OAK_VERSION_STRING);
}

static void headers_and_build_agree(void **state)
{
    (void)state;
    assert_string_equal(OAK_VERSION_STRING, OAK_TEST_PROJECT_VERSION);
    assert_int_equal(OAK_VERSION_NUMBER, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_says_the_version_of_its_headers),
        cmocka_unit_test(headers_and_build_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
