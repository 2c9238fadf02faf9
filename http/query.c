/* Query parameters: "a=1&b=two%20words". */
#include "conn.h"

#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of s, decoded; *s moves behind it. A % that begins no code stands for itself. */
static char decode(const char **s)
{
    const char *at = *s;
    int high = at[0] == '%' ? hex(at[1]) : -1;
    int low = high >= 0 ? hex(at[2]) : -1;
    if (low >= 0) {
        *s = at + 3;
        return (char)(high << 4 | low);
    }
    *s = at + 1;
    return *at == '+' ? ' ' : *at;
}

/* Is the text up to `end`, decoded, this name? */
static bool named(const char *s, const char *end, const char *name)
{
    while (s < end)
        if (*name == 0 || decode(&s) != *name++)
            return false;
    return *name == 0;
}

ssize_t oak_http_query_param(const oak_http_request *q, const char *name, char *buf, size_t size)
{
    if (!http_is(q, TAG_REQUEST) || !name || (!buf && size))
        return -EINVAL;
    for (const char *s = q->query; *s;) {
        const char *end = s + strcspn(s, "&");
        const char *equals = memchr(s, '=', (size_t)(end - s));
        if (!named(s, equals ? equals : end, name)) {
            s = *end ? end + 1 : end;
            continue;
        }
        size_t len = 0;
        for (s = equals ? equals + 1 : end; s < end; len++) {
            char c = decode(&s);
            if (len + 1 < size)
                buf[len] = c;
        }
        if (size)
            buf[len < size ? len : size - 1] = 0;
        return (ssize_t)len;
    }
    return -ENOENT;
}
