/* Which pages of this process hold anything. Internal to leak. */
#ifndef OAK_LEAK_OWN_PAGES_H
#define OAK_LEAK_OWN_PAGES_H

#include "leak/own.h"

/* Sets o->pagemap, o->scan_ioctl and o->img.pages, by what works here. */
void oak__own_pages_open(struct oak__own *o);

#endif
