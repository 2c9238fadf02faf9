#ifndef OAKUM_CLI_LEAKS_PPROF_H
#define OAKUM_CLI_LEAKS_PPROF_H

#include "foreign.h"

/* Writes the leaked goroutines as a profile to a file of that name. False: it cannot be written (said so). */
bool leaks_pprof(const struct foreign *f, const oak_leak_report *r, const char *name);

#endif
