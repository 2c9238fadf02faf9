/* Looking up what a complete head says. */
#include "message.h"

#include <errno.h>
#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Is a[0..len) the same as b, whatever the case of either? */
bool oak__http_same(const char *a, size_t len, const char *b)
{
    for (size_t i = 0; i < len; i++)
        if (b[i] == 0 || lower(a[i]) != lower(b[i]))
            return false;
    return b[len] == 0;
}

/* The byte behind each string is one that has been read (':', CR, blank): a NUL goes there. */
void oak__http_terminate(struct http_msg *m)
{
    for (size_t i = 0; i < m->nfields; i++) {
        struct http_header *f = &m->fields[i];
        m->text[f->name.at + f->name.len] = 0;
        if (f->value.len == 0)
            f->value.at = f->name.at + f->name.len;
        m->text[f->value.at + f->value.len] = 0;
    }
    m->text[m->target.at + m->target.len] = 0;
}

const char *oak__http_find(const struct http_msg *m, const char *name)
{
    for (size_t i = 0; i < m->nfields; i++) {
        const struct http_header *f = &m->fields[i];
        if (oak__http_same(m->text + f->name.at, f->name.len, name))
            return m->text + f->value.at;
    }
    return NULL;
}

int oak__http_field_at(const struct http_msg *m, size_t i, const char **name, const char **value)
{
    if (i >= m->nfields)
        return -ENOENT;
    if (name)
        *name = m->text + m->fields[i].name.at;
    if (value)
        *value = m->text + m->fields[i].value.at;
    return 0;
}
