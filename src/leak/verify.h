/* Between the files of oak_leak_verify_none. Internal to leak. */
#ifndef OAK_LEAK_VERIFY_H
#define OAK_LEAK_VERIFY_H

#include "leak/report.h"

#include <oakum/verify.h>

/* Whether it is one that has not been freed, as well as that can be told; or NULL. */
bool oak__mark_ok(const struct oak_leak_mark *m);
bool oak__mark_has(const struct oak_leak_mark *m, uint64_t id);

/* Whether a goroutine of that shape is left out by one of the lists of names. On a deep stack. */
bool oak__verify_ignores(const struct oak_leak_verify_opts *opts, const struct oak_goroutine_info *g);

#endif
