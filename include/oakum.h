/* The whole of Oakum in one include: one header per concept lies under oakum/. */
#ifndef OAKUM_H
#define OAKUM_H

#include <oakum/version.h>

#endif
