#include "leaks_pprof.h"
#include "command.h"

#include "inspect/pprof.h"
#include "inspect/symbol.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int each_map(bool (*fn)(const struct oak__map *m, void *arg), void *arg, void *source)
{
    const struct foreign *f = source;
    for (size_t i = 0; i < f->nmaps; i++) {
        struct oak__map m = {.lo = f->maps[i].lo,
                             .hi = f->maps[i].hi,
                             .offset = f->maps[i].offset,
                             .executable = f->maps[i].executable};
        oak__symbol_copy(m.path, sizeof m.path, f->maps[i].path);
        if (!fn(&m, arg))
            break;
    }
    return 0;
}

bool leaks_pprof(const struct foreign *f, const oak_leak_report *r, const char *name)
{
    const struct oak__pprof_code code = {each_map, (void *)(uintptr_t)f};
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int err = fd < 0 ? -errno : oak__leak_pprof(r, &code, fd);
    if (fd >= 0 && close(fd) && !err)
        err = -errno;
    if (err)
        leaks_note("the profile cannot be written", name, strerror(-err));
    return !err;
}
