#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

int proc_open(pid_t pid, const char *what)
{
    char name[96];
    snprintf(name, sizeof name, "/proc/%d/%s", (int)pid, what);
    return open(name, O_RDONLY | O_CLOEXEC);
}

FILE *proc_stream(pid_t pid, const char *what)
{
    char name[96];
    snprintf(name, sizeof name, "/proc/%d/%s", (int)pid, what);
    return fopen(name, "re");
}

/* "Name:\tvalue": the value; NULL: another line. */
static const char *value(const char *line, const char *name)
{
    size_t n = strlen(name);
    return strncmp(line, name, n) == 0 ? line + n + strspn(line + n, " \t") : NULL;
}

static pid_t last_number(const char *v)
{
    const char *last = strrchr(v, '\t');
    return (pid_t)strtol(last ? last + 1 : v, NULL, 10);
}

bool proc_status(pid_t tid, struct proc_status *out)
{
    FILE *in = proc_stream(tid, "status");
    char line[512];
    const char *v;
    pid_t parent = 0;
    if (!in)
        return false;
    *out = (struct proc_status){.inner = tid, .filtered = true};
    while (fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = 0;
        if ((v = value(line, "State:")))
            out->state = *v;
        else if ((v = value(line, "Tgid:")))
            out->process = last_number(v);
        else if ((v = value(line, "PPid:")))
            parent = last_number(v);
        else if ((v = value(line, "TracerPid:")))
            out->tracer = last_number(v);
        else if ((v = value(line, "NSpid:")))
            out->inner = last_number(v);
        else if ((v = value(line, "Seccomp:")))
            out->filtered = last_number(v) != 0;
        else if ((v = value(line, "Kthread:")))
            out->of_kernel = *v == '1';
    }
    fclose(in);
    /* Kernels before 6.11 do not say; their threads are number 2 and its children. */
    out->of_kernel = out->of_kernel || tid == 2 || parent == 2;
    return out->state != 0;
}

bool proc_has_ended(pid_t tid)
{
    struct proc_status s;
    return !proc_status(tid, &s) || strchr("ZXx", s.state);
}
