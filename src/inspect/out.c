#include "inspect/out.h"

#include <stdarg.h>
#include <unistd.h>

static void write_fd(struct oak__out *o, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t done = write(o->fd, text, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            o->err = done < 0 ? -errno : -EIO;
            return;
        }
        text += done;
        n -= (size_t)done;
    }
}

void oak__out_bytes(struct oak__out *o, const char *text, size_t n)
{
    if (o->err)
        return;
    errno = 0;
    if (!o->f)
        write_fd(o, text, n);
    else if (fwrite(text, 1, n, o->f) != n)
        o->err = errno ? -errno : -EIO;
}

void oak__outf(struct oak__out *o, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n > 0)
        oak__out_bytes(o, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void oak__out_age(struct oak__out *o, int64_t ns)
{
    if (ns < 0)
        ns = 0;
    if (ns < OAK_SECOND)
        oak__outf(o, "%lld ms", (long long)(ns / OAK_MILLISECOND));
    else if (ns < 100 * OAK_SECOND)
        oak__outf(o, "%.1f s", (double)ns / (double)OAK_SECOND);
    else if (ns < 100 * OAK_MINUTE)
        oak__outf(o, "%lld min", (long long)(ns / OAK_MINUTE));
    else
        oak__outf(o, "%lld h", (long long)(ns / OAK_HOUR));
}

void oak__out_count(struct oak__out *o, uint64_t n, const char *noun)
{
    oak__outf(o, "%llu %s%s", (unsigned long long)n, noun, n == 1 ? "" : "s");
}
