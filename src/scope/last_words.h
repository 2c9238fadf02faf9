/*
 * What the process says before it ends: one thread says it, any other that wants to end the process, too,
 * waits for that end. Internal: scope may include it.
 */
#ifndef OAK_SCOPE_LAST_WORDS_H
#define OAK_SCOPE_LAST_WORDS_H

#include "base/common.h"

/* Returns for one caller only; the others never return. Safe in signal handlers. */
void oak__last_words(void);

#endif
