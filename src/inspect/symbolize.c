#include "inspect/symbol.h"

#include <oakum/go.h>
#include <oakum/inspect.h>

void oak__on_deep_stack(void (*fn)(void *), void *arg)
{
    if (!oak_in_goroutine() || oak_on_thread_stack(fn, arg) != 0)
        fn(arg);
}

struct request {
    const void *pc;
    struct oak__symbol *answer;
    struct oak__symbol found[4];
};

/*
 * Most program counters of the API are return addresses, some (entry) are where a function starts: the
 * look-up of the byte before would name the function before it.
 */
static void answer(void *arg)
{
    struct request *r = arg;
    int n = oak__symbols_at(r->pc, OAK__PC_EXACT, r->found, countof(r->found));
    r->answer = &r->found[n - 1];
    if (r->answer->function[0] && r->answer->offset == 0)
        return;
    oak__symbols_at(r->pc, OAK__PC_RETURN, r->found, countof(r->found));
    r->answer = &r->found[0];
}

int oak_symbolize(const void *pc, char *buf, size_t size)
{
    struct request r = {.pc = pc};
    if (size && !buf)
        return -EINVAL;
    oak__on_deep_stack(answer, &r);
    return oak__symbol_text(r.answer, pc, buf, size);
}
