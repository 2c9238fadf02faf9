/* The reasons, in words. */
#include "leak/report.h"

#include <stdarg.h>
#include <stdio.h>

struct text {
    char *buf;
    size_t size, n;
};

OAK_PRINTF(2, 3) static void say(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(t->buf + t->n, t->size - t->n, fmt, ap);
    va_end(ap);
    if (n > 0)
        t->n = t->n + (size_t)n < t->size ? t->n + (size_t)n : t->size - 1;
}

const char *oak__why_object(enum oak_wait_reason reason)
{
    switch (reason) {
    case OAK_WAIT_CHAN_SEND:
    case OAK_WAIT_CHAN_RECV:
    case OAK_WAIT_SELECT:
        return "channel";
    case OAK_WAIT_MUTEX:
        return "mutex";
    case OAK_WAIT_RWMUTEX_R:
    case OAK_WAIT_RWMUTEX_W:
        return "rwmutex";
    case OAK_WAIT_COND:
        return "condition";
    case OAK_WAIT_WAITGROUP:
        return "wait group";
    case OAK_WAIT_SEMAPHORE:
        return "semaphore";
    case OAK_WAIT_ONCE:
        return "once";
    case OAK_WAIT_SCOPE:
    case OAK_WAIT_SCOPE_LIMIT:
        return "scope";
    default:
        return "object";
    }
}

static void say_unreached(struct text *t, const struct oak__leak_entry *e, const char *what)
{
    uint32_t named = e->nothers < OAK__OTHERS ? e->nothers : OAK__OTHERS;
    say(t, "no reference to %s 0x%llx", what, (unsigned long long)e->object);
    if (e->nobjects > 1)
        say(t, " or the %u other channel%s of its select", e->nobjects - 1, e->nobjects == 2 ? "" : "s");
    say(t, " outside leaked goroutine%s %llu", named ? "s" : "", (unsigned long long)e->id);
    for (uint32_t i = 0; i < named; i++)
        say(t, ", %llu", (unsigned long long)e->others[i]);
    if (e->nothers > named)
        say(t, " and %u more", e->nothers - named);
    if (e->in_heap)
        say(t, " and what only leaked ones reach");
}

static void say_nothing_there(struct text *t, enum oak_wait_reason reason)
{
    switch (reason) {
    case OAK_WAIT_CHAN_SEND_NIL:
    case OAK_WAIT_CHAN_RECV_NIL:
        say(t, "a nil channel is never ready");
        break;
    case OAK_WAIT_SELECT:
        say(t, "every channel of its select is nil");
        break;
    case OAK_WAIT_SELECT_EMPTY:
        say(t, "a select without cases waits for nothing");
        break;
    default:
        say(t, "nothing can end this wait");
        break;
    }
}

static void say_proof(struct text *t, const struct oak__leak_entry *e, enum oak_wait_reason reason)
{
    const char *what = oak__why_object(reason);
    unsigned long long object = e->object, other = e->nothers ? e->others[0] : 0;
    switch ((enum oak__why)e->why) {
    case OAK__WHY_NOTHING:
        say_nothing_there(t, reason);
        break;
    case OAK__WHY_UNREACHED:
        say_unreached(t, e, what);
        break;
    case OAK__WHY_SELF_LOCK:
        say(t, "it holds %s 0x%llx itself", what, object);
        break;
    case OAK__WHY_LOCK_CYCLE:
        say(t, "lock cycle: %s 0x%llx is held by goroutine ", what, object);
        for (uint32_t i = 0; i < e->nothers && i < OAK__OTHERS; i++)
            say(t, "%s%llu", i ? ", whose lock is held by " : "", (unsigned long long)e->others[i]);
        say(t, e->nothers > OAK__OTHERS ? ", and so on, back to this one" : ", which waits for this one");
        break;
    case OAK__WHY_HOLDER:
        say(t, "%s 0x%llx is held by goroutine %llu, which is leaked", what, object, other);
        break;
    case OAK__WHY_BEHIND:
        say(t, "goroutine %llu, which is leaked, waits before it to write-lock %s 0x%llx", other, what,
            object);
        break;
    case OAK__WHY_HOLDER_ENDED:
        say(t, "%s 0x%llx is held by goroutine %llu, which has ended", what, object, other);
        break;
    case OAK__WHY_CHILD:
        say(t, "its scope's child, goroutine %llu, is leaked", other);
        break;
    }
    if (e->in_context && e->why != OAK__WHY_CHILD)
        say(t, "; nobody left can cancel its context");
}

static void say_rules(struct text *t, const struct oak__leak_entry *e, int64_t now)
{
    const struct oak__place *place = e->shape->place;
    if (e->rules & OAK_SUSPECT_AGE)
        say(t, "age: has waited for %.1f s without any deadline",
            (double)(now - e->wait_since) / (double)OAK_SECOND);
    if (e->rules & OAK_SUSPECT_COUNT && place)
        say(t, "%snumber: %llu block here without any deadline", t->n ? "; " : "",
            (unsigned long long)place->n);
    if (e->rules & OAK_SUSPECT_GROWTH && place)
        say(t, "%sgrowth: %llu block here without any deadline, %llu did at the check before",
            t->n ? "; " : "", (unsigned long long)place->n, (unsigned long long)place->before);
}

void oak__why_text(const struct oak__leak_entry *e, int64_t now, char *buf, size_t size)
{
    struct text t = {buf, size, 0};
    struct oak_goroutine_info info;
    buf[0] = '\0';
    oak__shape_to_info(e->shape, &info);
    if (e->verdict == OAK_LEAKED)
        say_proof(&t, e, info.reason);
    else
        say_rules(&t, e, now);
}
