#include "scratch.h"

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool scratch_make(struct scratch *s)
{
    const char *tmp = getenv("TMPDIR");
    if (!tmp || !*tmp)
        tmp = "/tmp";
    int n = snprintf(s->path, sizeof s->path, "%s/oakum-XXXXXX", tmp);
    /* The names of files in it must fit, too. */
    if (n < 0 || n > (int)sizeof s->path - NAME_MAX)
        errno = ENAMETOOLONG;
    else if (mkdtemp(s->path))
        return true;
    if (errno == ENOSPC || errno == EDQUOT)
        complain("no space left in %s; make room there or set TMPDIR to another folder", tmp);
    else
        complain("cannot make a folder in %s: %s; TMPDIR names another place", tmp, strerror(errno));
    return false;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    remove(path);
    return 0;
}

void scratch_remove(struct scratch *s)
{
    nftw(s->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

bool scratch_full(const struct scratch *s)
{
    static const char some[65536] = {1};
    char path[PATH_MAX + 8];
    bool full = false;
    snprintf(path, sizeof path, "%s/probe", s->path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == ENOSPC || errno == EDQUOT;
    for (int i = 0; i < 16 && !full; i++) {
        ssize_t n = write(fd, some, sizeof some);
        full = (n < 0 && (errno == ENOSPC || errno == EDQUOT)) || (n >= 0 && n < (ssize_t)sizeof some);
    }
    close(fd);
    unlink(path);
    return full;
}
