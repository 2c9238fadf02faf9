/*
 * The processor quota of this process's control groups.
 *
 * /proc/self/cgroup says which group the process is in, a path within a hierarchy; /proc/self/mountinfo says
 * where the hierarchy is mounted, and which of its groups is the root of the mount (in a container, that is
 * often the process's own). The quota of a group binds its descendants too, so each group from the process's
 * own up to the mount's root is asked and the least counts. Version 2 keeps "quota period" in cpu.max;
 * version 1 keeps them in two files of the hierarchy that has the cpu controller. Both may be mounted; each
 * is asked.
 */
#include "base/os.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hierarchy {
    bool v2;
    char group[PATH_MAX]; /* from /proc/self/cgroup; "" when the process is in none */
    char mount[PATH_MAX]; /* mount point; "" when not mounted */
    char root[PATH_MAX];  /* the group that is the mount's root */
};

static bool copy(char *to, const char *from)
{
    return from && snprintf(to, PATH_MAX, "%s", from) < PATH_MAX;
}

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == '\0'))
            return true;
    return false;
}

/* Calls each(line, arg) for the lines of root/path, newlines cut off. */
static void each_line(const char *root, const char *path, void (*each)(char *line, void *arg), void *arg)
{
    char name[PATH_MAX];
    if (snprintf(name, sizeof name, "%s%s", root, path) >= PATH_MAX)
        return;
    FILE *f = fopen(name, "re");
    if (!f)
        return;
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        each(line, arg);
    }
    free(line);
    fclose(f);
}

/* "4:cpu,cpuacct:/path"; version 2 is "0::/path". */
static void cgroup_line(char *line, void *arg)
{
    struct hierarchy *h = arg;
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return;
    *path++ = '\0';
    controllers++;
    bool mine = h->v2 ? *controllers == '\0' : has_word(controllers, "cpu");
    if (mine && !copy(h->group, path))
        h->group[0] = '\0';
}

/* In mountinfo a space within a path is "\040", and so on. */
static void unescape(char *s)
{
    char *to = s;
    while (*s) {
        if (*s == '\\' && s[1] >= '0' && s[1] <= '7' && s[2] && s[3]) {
            char digits[4] = {s[1], s[2], s[3], '\0'};
            *to++ = (char)strtol(digits, NULL, 8);
            s += 4;
        } else {
            *to++ = *s++;
        }
    }
    *to = '\0';
}

/* "36 35 98:0 /root /mount/point rw,noatime shared:1 - cgroup2 source rw,options" */
static void mount_line(char *line, void *arg)
{
    struct hierarchy *h = arg;
    char *tail = strstr(line, " - ");
    if (!tail || h->mount[0])
        return;
    *tail = '\0';
    char *save;
    char *type = strtok_r(tail + 3, " ", &save);
    strtok_r(NULL, " ", &save);
    char *options = strtok_r(NULL, " ", &save);
    if (!type || strcmp(type, h->v2 ? "cgroup2" : "cgroup") != 0)
        return;
    if (!h->v2 && !(options && has_word(options, "cpu")))
        return;
    for (int i = 0; i < 3; i++)
        strtok_r(i == 0 ? line : NULL, " ", &save);
    char *root = strtok_r(NULL, " ", &save);
    char *mount = strtok_r(NULL, " ", &save);
    if (!root || !mount)
        return;
    unescape(root);
    unescape(mount);
    if (!copy(h->root, root) || !copy(h->mount, mount))
        h->mount[0] = '\0';
}

struct numbers {
    long long value[2];
    int count; /* 0 for "max", too */
};

static void numbers_line(char *line, void *arg)
{
    struct numbers *n = arg;
    char *end = line;
    while (n->count < 2) {
        long long value = strtoll(line, &end, 10);
        if (end == line)
            return;
        n->value[n->count++] = value;
        line = end;
    }
}

static struct numbers numbers_of(const char *root, const char *dir, const char *file)
{
    struct numbers n = {.count = 0};
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, file) < PATH_MAX)
        each_line(root, path, numbers_line, &n);
    return n;
}

/* The quota of one group, rounded up to whole processors; INT_MAX: none. */
static int group_cpus(const struct hierarchy *h, const char *root, const char *dir)
{
    long long quota = -1;
    long long period = 0;
    if (h->v2) {
        struct numbers n = numbers_of(root, dir, "cpu.max");
        if (n.count == 2) {
            quota = n.value[0];
            period = n.value[1];
        }
    } else {
        struct numbers q = numbers_of(root, dir, "cpu.cfs_quota_us");
        struct numbers p = numbers_of(root, dir, "cpu.cfs_period_us");
        if (q.count >= 1 && p.count >= 1) {
            quota = q.value[0];
            period = p.value[0];
        }
    }
    if (quota <= 0 || period <= 0)
        return INT_MAX;
    long long cpus = quota / period + (quota % period != 0);
    return cpus < INT_MAX ? (int)cpus : INT_MAX;
}

/* The process's group as a path below the mount's root. "" when it is that root, or lies outside what is
 * mounted
 * ("/../x" in a cgroup namespace): then the mount's root is the nearest thing that can be seen. */
static const char *below_mount(const struct hierarchy *h)
{
    size_t n = strcmp(h->root, "/") == 0 ? 0 : strlen(h->root);
    const char *rest = h->group + n;
    if (strncmp(h->group, h->root, n) != 0 || (*rest != '/' && *rest != '\0') || strstr(rest, "/.."))
        return "";
    return strcmp(rest, "/") == 0 ? "" : rest;
}

static int hierarchy_cpus(struct hierarchy *h, const char *root)
{
    each_line(root, "/proc/self/cgroup", cgroup_line, h);
    each_line(root, "/proc/self/mountinfo", mount_line, h);
    if (!h->group[0] || !h->mount[0])
        return INT_MAX;
    char dir[2 * PATH_MAX];
    snprintf(dir, sizeof dir, "%s%s", h->mount, below_mount(h));
    int least = INT_MAX;
    size_t top = strlen(h->mount);
    for (size_t n = strlen(dir);; n = (size_t)(strrchr(dir, '/') - dir)) {
        dir[n] = '\0';
        int cpus = group_cpus(h, root, dir);
        least = cpus < least ? cpus : least;
        if (n <= top)
            return least;
    }
}

int oak__os_cgroup_cpus(const char *root)
{
    /* On the heap: two of them would be 24 KiB of stack. */
    struct hierarchy *h = oak__calloc(sizeof *h);
    if (!h)
        return 0;
    int v1 = hierarchy_cpus(h, root);
    memset(h, 0, sizeof *h);
    h->v2 = true;
    int v2 = hierarchy_cpus(h, root);
    oak__free(h);
    int least = v1 < v2 ? v1 : v2;
    return least == INT_MAX ? 0 : least;
}
