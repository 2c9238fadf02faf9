/* A chain in words. */
#include "leak/report.h"

#include "inspect/out.h"
#include "inspect/symbol.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef unsigned long long ull;

/* How the one before keeps the step whose text follows. */
static const char *after(enum oak__how how, enum oak__step_kind kind)
{
    switch (how) {
    case OAK__HOW_WAITS:
        return ", which waits for it";
    case OAK__HOW_HOLDER:
        return ", which waits for a lock that it holds";
    case OAK__HOW_CONTEXT:
        return ", whose wait ends with its end";
    case OAK__HOW_PARENT:
        return ", which ends with it";
    case OAK__HOW_MEMBER:
        return ", which is the context of it";
    case OAK__HOW_CHILD:
        return kind == OAK__STEP_CONTEXT ? ", which is the context of its scope" : ", in whose scope it is";
    default:
        return "";
    }
}

static const char *by_itself(const struct oak__who *who, const struct oak__step *s)
{
    if (s->kind == OAK__STEP_CONTEXT)
        return ", which has a deadline or is just ending";
    if (s->kind != OAK__STEP_GOROUTINE)
        return "";
    if (s->thread)
        return ", which is no goroutine";
    if (who->known && who->state != OAK_STATE_WAITING)
        return ", which can run";
    if (who->known && who->has_deadline)
        return ", whose wait has a time limit";
    return who->reason == OAK_WAIT_IO ? ", which waits for I/O" : ", whose wait will end";
}

static int put(char *buf, size_t size, int n, const char *fmt, ...) OAK_PRINTF(4, 5);
static int put(char *buf, size_t size, int n, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int more = (size_t)n < size ? vsnprintf(buf + n, size - (size_t)n, fmt, ap) : 0;
    va_end(ap);
    return n + (more > 0 ? more : 0);
}

static int put_goroutine(char *buf, size_t size, uint64_t id, const struct oak__who *who)
{
    int n = put(buf, size, 0, "goroutine %llu", (ull)id);
    if (who->known && who->name[0])
        n = put(buf, size, n, " \"%s\"", who->name);
    if (who->known && who->state == OAK_STATE_WAITING)
        n = put(buf, size, n, " (%s)", oak_wait_reason_name(who->reason));
    return n;
}

static int put_memory(char *buf, size_t size, const struct oak__step *s)
{
    struct oak__symbol found;
    const char *what = "memory that the program has mapped";
    if (oak__symbol_data((const void *)s->ref, &found)) {
        int n = put(buf, size, 0, "global %s", found.function);
        if (found.offset)
            n = put(buf, size, n, " +%llu", (ull)found.offset);
        return found.line ? put(buf, size, n, " (%s:%d)", oak__base_name(found.file), found.line)
                          : put(buf, size, n, " (%s)", found.module);
    }
    if (s->flags & OAK__MAP_SHARED)
        what = "shared memory";
    else if (s->flags & OAK__MAP_FILE)
        what = "data of a program or library";
    else if (s->flags & OAK__MAP_BRK)
        what = "heap memory whose blocks are not known";
    return put(buf, size, 0, "%s, at 0x%llx", what, (ull)s->ref);
}

/* next: that waits for an object in the block; NULL: it is referred to from there. */
static int put_block(char *buf, size_t size, const struct oak__step *s, const struct oak__who *next)
{
    const bool waits = next && next->known;
    const char *what = waits ? oak__why_object(next->reason) : "";
    char place[320];
    int n = put(buf, size, 0, "%s 0x%llx (%llu bytes)", waits && s->ref == s->at ? what : "block", (ull)s->at,
                (ull)s->size);
    if (s->ref != s->at || !waits)
        n = put(buf, size, n, " +%llu", (ull)(s->ref - s->at));
    if (s->ref != s->at && waits)
        n = put(buf, size, n, ": %s 0x%llx", what, (ull)s->ref);
    if (!s->site)
        return n;
    oak_symbolize((const void *)s->site, place, sizeof place);
    return put(buf, size, n, ", allocated by %s", place);
}

const char *oak__step_text(const struct oak__why_live *w, size_t i, char *buf, size_t size)
{
    const struct oak__step *s = &w->chain.step[i];
    const struct oak__who *who = &w->who[i];
    int n = 0;
    switch ((enum oak__step_kind)s->kind) {
    case OAK__STEP_MEMORY:
        n = put_memory(buf, size, s);
        break;
    case OAK__STEP_REGISTERS:
        n = put(buf, size, 0, "registers of thread %llu", (ull)s->id);
        break;
    case OAK__STEP_THREAD:
        n = put(buf, size, 0, "stack or thread-local storage of thread %llu, at 0x%llx", (ull)s->id,
                (ull)s->ref);
        break;
    case OAK__STEP_KERNEL:
        n = put(buf, size, 0, "a word that the kernel keeps: of an epoll set or a timer");
        break;
    case OAK__STEP_TLS:
        n = put(buf, size, 0, "thread-local storage, at 0x%llx", (ull)s->ref);
        break;
    case OAK__STEP_BLOCK:
        n = put_block(buf, size, s, s->how == OAK__HOW_WAITS && i + 1 < w->chain.n ? &w->who[i + 1] : NULL);
        break;
    case OAK__STEP_STACK:
        n = put(buf, size, 0, "stack of ");
        n += put_goroutine(buf + n, size - (size_t)n, s->id, who);
        n = put(buf, size, n, ", at 0x%llx", (ull)s->ref);
        break;
    case OAK__STEP_CONTEXT:
        n = put(buf, size, 0, "context 0x%llx", (ull)s->at);
        break;
    case OAK__STEP_GOROUTINE:
        n = s->thread ? put(buf, size, 0, "a thread's wait") : put_goroutine(buf, size, s->id, who);
        break;
    }
    if (s->itself)
        put(buf, size, n, "%s", by_itself(who, s));
    else
        put(buf, size, n, "%s", after((enum oak__how)w->chain.step[i - 1].how, (enum oak__step_kind)s->kind));
    return buf;
}

struct printing {
    const struct oak_leak_report *r;
    struct oak__out out;
};

static void print_chain(struct printing *p)
{
    const struct oak__why_live *w = p->r->why_live;
    char text[512];
    oak__outf(&p->out, " is not leaked. What keeps it alive:\n");
    for (uint32_t i = 0; i < w->chain.n; i++) {
        if (w->chain.left_out && i == OAK__MOST_STEPS / 2)
            oak__outf(&p->out, "    ... %llu more\n", (ull)w->chain.left_out);
        oak__outf(&p->out, "    %s%s\n", i ? "-> " : "", oak__step_text(w, i, text, sizeof text));
    }
}

static void print_all(void *arg)
{
    struct printing *p = arg;
    const struct oak__why_live *w = p->r->why_live;
    const struct oak__leak_entry *leaked = oak__why_live_leaked(p->r);
    char text[512];
    put_goroutine(text, sizeof text, w->id, &w->asked);
    oak__outf(&p->out, "%s", text);
    if (w->chain.alive == OAK__ALIVE_YES && !leaked) {
        print_chain(p);
    } else if (leaked) {
        oak__why_text(leaked, p->r->now, text, sizeof text);
        oak__outf(&p->out, " is leaked (proven): %s\n", text);
    } else if (p->r->lost) {
        oak__outf(&p->out, " is not proven leaked: %s of the process cannot be seen\n",
                  p->r->lost == OAK__LOST_IN_KERNEL ? "words that the kernel keeps" : "some memory");
    } else if (p->r->unseen) {
        oak__outf(
            &p->out,
            " is not proven leaked: there is much shared memory, which may refer to what it waits for\n");
    } else { /* it started, or went on, during the check */
        oak__outf(&p->out, " is not leaked\n");
    }
    fflush(p->out.f);
}

int oak__why_live_print(const struct oak_leak_report *r, FILE *f)
{
    char *text = NULL;
    size_t size = 0;
    struct printing p = {.r = r};
    p.out.f = open_memstream(&text, &size);
    if (!p.out.f)
        return -ENOMEM;
    oak__on_deep_stack(print_all, &p);
    fclose(p.out.f);
    errno = 0;
    int err = p.out.err;
    if (!err && (fwrite(text, 1, size, f) != size || fflush(f)))
        err = errno ? -errno : -EIO;
    if (text)
        explicit_bzero(text, size);
    free(text);
    return err;
}
