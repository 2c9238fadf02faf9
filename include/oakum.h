/* Oakum: Go's concurrency for C. One header a concept; this one includes them all. */
#ifndef OAKUM_H
#define OAKUM_H

#include <oakum/base.h>
#include <oakum/version.h>
#include <oakum/go.h>
#include <oakum/chan.h>
#include <oakum/select.h>
#include <oakum/ctx.h>
#include <oakum/scope.h>
#include <oakum/panic.h>
#include <oakum/sync.h>
#include <oakum/net.h>
#include <oakum/file.h>
#include <oakum/inspect.h>
#include <oakum/leak.h>
#include <oakum/verify.h>
#include <oakum/watch.h>

#endif
