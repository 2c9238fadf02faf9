#ifndef OAKUM_CLI_LEAKS_JSON_H
#define OAKUM_CLI_LEAKS_JSON_H

#include <oakum/leak.h>
#include <errno.h>
#include <stdio.h>

/* Writes the report, with the number of all goroutines. 0, or negative errno (-ENOTSUP: said so). */
int leaks_json(const oak_leak_report *r, int64_t goroutines, FILE *out);

/* The same of what keeps a goroutine alive (docs/why-live.schema.json). */
int leaks_json_why_live(const oak_leak_report *r, FILE *out);

#endif
