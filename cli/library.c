#include "library.h"

#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* False when the whole path does not fit. */
static bool join(char *out, const char *folder, const char *name)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", folder, name);
    return n > 0 && n < PATH_MAX;
}

static bool there(const char *path)
{
    return access(path, R_OK) == 0;
}

static void set(struct library *lib, const char *key, const char *value)
{
    const struct {
        const char *key;
        char *to;
        size_t size;
    } fields[] = {
        {"include", lib->include, sizeof lib->include},
        {"core", lib->core, sizeof lib->core},
        {"http", lib->http, sizeof lib->http},
        {"flags", lib->flags, sizeof lib->flags},
        {"compiler", lib->compiler, sizeof lib->compiler},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].key, key) == 0)
            snprintf(fields[i].to, fields[i].size, "%s", value);
}

/* The build leaves "key=value" lines about itself beside this program. */
static bool from_build_folder(struct library *lib, const char *folder)
{
    char path[PATH_MAX], line[PATH_MAX + 32];
    FILE *f = join(path, folder, "tree.conf") ? fopen(path, "r") : NULL;
    if (!f)
        return false;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *equals = strchr(line, '=');
        if (equals) {
            *equals = 0;
            set(lib, line, equals + 1);
        }
    }
    fclose(f);
    return there(lib->core);
}

static bool headers_in(struct library *lib, const char *prefix, const char *folder)
{
    char header[PATH_MAX];
    return join(lib->include, prefix, folder) && join(header, lib->include, "oakum.h") && there(header);
}

/* The folder of links comes first: see include/meson.build. */
static bool from_prefix(struct library *lib, const char *prefix)
{
    if (!headers_in(lib, prefix, OAKUM_INCLUDEDIR "/liboakum") && !headers_in(lib, prefix, OAKUM_INCLUDEDIR))
        return false;
    if (!join(lib->http, prefix, OAKUM_LIBDIR "/liboakum-http.a") || !there(lib->http))
        lib->http[0] = 0;
    return (join(lib->core, prefix, OAKUM_LIBDIR "/liboakum.a") && there(lib->core)) ||
           (join(lib->core, prefix, OAKUM_LIBDIR "/liboakum.so") && there(lib->core));
}

/* The folder that this program is in. */
static bool own_folder(char *out)
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (n <= 0)
        return false;
    out[n] = 0;
    char *slash = strrchr(out, '/');
    if (!slash)
        return false;
    *slash = 0;
    return true;
}

bool library_find(struct library *lib)
{
    char folder[PATH_MAX], path[PATH_MAX];
    const char *build = getenv("OAKUM_BUILD");
    memset(lib, 0, sizeof *lib);
    if (build && *build) {
        if (join(path, build, "cli") && from_build_folder(lib, path))
            return true;
        complain("OAKUM_BUILD is '%s', but no built Oakum is there", build);
        return false;
    }
    if (own_folder(folder)) {
        if (from_build_folder(lib, folder) || (join(path, folder, "..") && from_prefix(lib, path)))
            return true;
    } else
        folder[0] = 0;
    if (from_prefix(lib, OAKUM_PREFIX))
        return true;
    complain("liboakum and its headers are neither beside this program (%s/../" OAKUM_LIBDIR
             ") nor below " OAKUM_PREFIX "; install Oakum, or name a build folder in OAKUM_BUILD",
             folder);
    return false;
}
