#include <oakum/version.h>

const char *oak_version(void)
{
    return OAK_VERSION_STRING;
}
