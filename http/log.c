#include "server.h"

#include <stdarg.h>
#include <stdio.h>

void oak__http_log(oak_http_server *s, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (s->opts.log)
        s->opts.log(s->opts.log_arg, line);
    else
        fprintf(stderr, "oakum http: %s\n", line);
}
