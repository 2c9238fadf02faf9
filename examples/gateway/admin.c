/* What the process says about itself: figures, the goroutine report, the leak report. */
#include "gateway.h"

#include <oakum/inspect.h>
#include <oakum/leak.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static long resident_kib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%*s %ld", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int admin_stats(oak_http_request *q, oak_http_response *p, void *arg)
{
    struct oak_stats g;
    struct oak_http_stats h;
    (void)q;
    int rc = oak_stats_read(&g);
    rc = rc ? rc : oak_http_server_stats(arg, &h);
    rc = rc ? rc : oak_http_set_header(p, "Content-Type", "text/plain");
    if (rc)
        return rc;
    rc = oak_http_printf(p, "created %ju\nended %ju\nalive %ju\n", (uintmax_t)g.created, (uintmax_t)g.ended,
                         (uintmax_t)(g.created - g.ended));
    rc = rc ? rc
            : oak_http_printf(p, "runnable %ju\nrunning %ju\nsyscall %ju\nwaiting %ju\n",
                              (uintmax_t)g.runnable, (uintmax_t)g.running, (uintmax_t)g.syscall,
                              (uintmax_t)g.waiting);
    return rc ? rc
              : oak_http_printf(p, "rss_kib %ld\nconnections %ju\nrequests %ju\ngave_up %ju\nhung_up %ju\n",
                                resident_kib(), (uintmax_t)h.open, (uintmax_t)h.requests,
                                (uintmax_t)h.timed_out, (uintmax_t)h.hung_up);
}

/* A report is printed to a FILE: here to memory, then to the client. */
static int send_printed(oak_http_response *p, FILE *f, char **text, size_t *size, int rc)
{
    if (fclose(f) && rc == 0)
        rc = -ENOMEM;
    if (rc == 0)
        rc = oak_http_reply(p, 200, "text/plain; charset=utf-8", *text, *size);
    free(*text);
    return rc;
}

int admin_report(oak_http_request *q, oak_http_response *p, void *arg)
{
    char *text = NULL;
    size_t size = 0;
    (void)q, (void)arg;
    FILE *f = open_memstream(&text, &size);
    return f ? send_printed(p, f, &text, &size, oak_report(f, 0)) : -ENOMEM;
}

int admin_leaks(oak_http_request *q, oak_http_response *p, void *arg)
{
    char *text = NULL, count[24];
    size_t size = 0;
    oak_leak_report *report;
    (void)q, (void)arg;
    int rc = oak_leak_check(NULL, &report);
    if (rc)
        return rc;
    snprintf(count, sizeof count, "%zu", oak_leak_count(report, OAK_LEAKED));
    FILE *f = open_memstream(&text, &size);
    rc = f ? oak_http_set_header(p, "X-Leaked", count) : -ENOMEM;
    if (rc == 0)
        rc = oak_leak_print(report, f);
    oak_leak_report_free(report);
    return f ? send_printed(p, f, &text, &size, rc) : rc;
}
