/* A folder of our own for what is made on the way, removed at the end. */
#ifndef OAKUM_CLI_SCRATCH_H
#define OAKUM_CLI_SCRATCH_H

#include <limits.h>
#include <stdbool.h>

struct scratch {
    char path[PATH_MAX];
};

/* In TMPDIR or /tmp. False: it has complained. */
bool scratch_make(struct scratch *s);
/* With all that is in it. */
void scratch_remove(struct scratch *s);
/* Whether the disk it is on has no room: what failed there then failed for that. */
bool scratch_full(const struct scratch *s);

#endif
