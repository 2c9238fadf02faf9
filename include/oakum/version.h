/* The version of Oakum: of these headers as numbers, of the library that is linked as a string. */
#ifndef OAKUM_VERSION_H
#define OAKUM_VERSION_H

#include <oakum/base.h>

#define OAK_VERSION_MAJOR  0
#define OAK_VERSION_MINOR  1
#define OAK_VERSION_PATCH  0
#define OAK_VERSION_STRING "0.1.0"

/* One number that grows with each version, for #if: major * 1,000,000 + minor * 1,000 + patch. */
#define OAK_VERSION_NUMBER (OAK_VERSION_MAJOR * 1000000 + OAK_VERSION_MINOR * 1000 + OAK_VERSION_PATCH)

OAK__BEGIN

/*
 * The version of the library that is linked, as "major.minor.patch". It differs from OAK_VERSION_STRING when
 * a program meets another shared library at run time than the one it was compiled for. The string is static:
 * do not free it. Never fails, never blocks; may be called from any thread, before the runtime has started
 * and in a signal handler.
 */
OAK_API const char *oak_version(void);

OAK__END

#endif
