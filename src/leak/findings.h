/* Internal to leak. */
#ifndef OAK_LEAK_FINDINGS_H
#define OAK_LEAK_FINDINGS_H

#include "leak/analysis.h"
#include "leak/mark.h"

/* Writes down who is not live after the fixed point, and why. */
/* 0 or -ENOMEM. */
int oak__findings(struct oak__mark *m, struct oak__results *r);

#endif
