/* The way of a panic; see panic.h. */
#include "scope/panic.h"

#include "base/os.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#if OAK_ASAN
    #include <sanitizer/asan_interface.h>
#endif

/* What the scope will say of the panic; freed by oak__scope_child_ended. Kept here, so that no goroutine needs room for a message on
 * its stack for all its life. */
static const char *keep_text(const struct oak_panic_info *info)
{
    size_t n = strlen(info->message) + 1;
    char *text = oak__malloc(n);
    return text ? memcpy(text, info->message, n) : NULL;
}

/* In the call, not behind it: it does not return, so what is there may be another function. */
static void *in_call(const void *return_address)
{
    return (char *)(uintptr_t)return_address - 1;
}

/* The stack between here and the frame is dead from now on. */
static OAK_NORETURN void land(struct oak__frame *f, const struct oak__panic *p)
{
    if (f->info)
        *f->info = p->info;
    if (f->text)
        *f->text = keep_text(&p->info);
#if OAK_ASAN
    __asan_handle_no_return();
#endif
    jump_to(&f->jump);
}

void oak__panic_begin(struct oak__panic *p)
{
    struct oak__g *g = oak__self();
    if (!g) /* nothing stands between it and the end */
        oak__panic_die(p);
    struct oak__frame root = {.ends_process = true}; /* a plain thread has none of its own */
    struct oak__frame *f = g->recover;
    if (!f)
        g->recover = f = &root;
    p->info.goroutine = load_relaxed(&g->id);
    p->replaced = f->panic;
    f->panic = p;
    while (g->defers != f->defers) {
        struct oak__defer *d = g->defers;
        g->defers = d->outer;
        if (d->fn)
            d->fn(d->arg);
    }
    if (f->ends_process)
        oak__panic_die(p);
    land(f, p);
}

void oak_panic(const char *fmt, ...)
{
    struct oak__panic p = {.info.site = in_call(caller_pc())};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(p.info.message, sizeof p.info.message, fmt ? fmt : "(no message)", ap);
    va_end(ap);
    oak__panic_begin(&p);
}

void oak__panic_at(const void *pc, const char *fmt, ...)
{
    struct oak__panic p = {.info.site = in_call(pc)};
    const size_t size = sizeof p.info.message;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(p.info.message, size, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < size)
        snprintf(p.info.message + n, size - (size_t)n, " (called from %p)", pc);
    oak__panic_begin(&p);
}

void oak__panic_again(const struct oak_panic_info *info)
{
    struct oak__panic p = {.info = *info};
    oak__panic_begin(&p);
}
