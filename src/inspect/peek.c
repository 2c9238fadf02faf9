#include "inspect/peek.h"

#include "inspect/maps.h"
#include "inspect/symbol.h"
#include "inspect/walk.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

bool oak__peek(void *to, const void *from, size_t n)
{
    struct iovec local = {to, n}, remote = {(void *)(uintptr_t)from, n};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)n;
}

/* Without process_vm_readv: to the end of the mapping. */
static int walk_mapping(const void *fp, const void **frames, int max)
{
    struct oak__map map;
    if (!oak__maps_find(fp, &map) || !map.readable)
        return 0;
    return oak__walk(fp, fp, (const void *)map.hi, frames, max);
}

int oak__walk_careful(const void *fp, const void **frames, int max)
{
    const void *record[2]; /* the caller's frame pointer, the return address */
    uintptr_t below = 0;
    int n = 0;
    if (!oak__peek(record, &below, sizeof below))
        return walk_mapping(fp, frames, max);
    while (n < max && (uintptr_t)fp > below && (uintptr_t)fp % sizeof fp == 0 &&
           oak__peek(record, fp, sizeof record)) {
        const void *pc = oak__bare_pc(record[1]);
        if (!oak__text_has(pc))
            break;
        frames[n++] = pc;
        below = (uintptr_t)fp;
        fp = record[0];
    }
    return n;
}

#if defined(__x86_64__)

/* The return address lies on top of the stack if nothing was pushed since: a word after a call instruction */
const void *oak__frameless_caller(const struct oak__sigframe *at)
{
    const unsigned char *pc;
    unsigned char code[7]; /* before it */
    if (!oak__peek(&pc, at->sp, sizeof pc) || !oak__text_has(pc) || !oak__peek(code, pc - 7, sizeof code))
        return NULL;
    bool direct = code[2] == 0xe8;
    bool indirect = false;
    /* ff /2, with 0, 1 or 4 bytes of displacement and perhaps a SIB byte. */
    for (int length = 2; length <= 7; length++)
        indirect = indirect || (code[7 - length] == 0xff && (code[8 - length] & 0x38) == 0x10);
    return direct || indirect ? pc : NULL;
}

#else

/* The link register: within the function itself it is left over from a call that has returned. */
const void *oak__frameless_caller(const struct oak__sigframe *at)
{
    struct oak__symbol here, there;
    const void *pc = oak__bare_pc(at->lr);
    if (!pc || !oak__text_has(pc))
        return NULL;
    oak__symbol_plain(at->pc, OAK__PC_EXACT, &here);
    oak__symbol_plain(pc, OAK__PC_RETURN, &there);
    bool same = strcmp(here.function, there.function) == 0 && strcmp(here.module, there.module) == 0;
    return same ? NULL : pc;
}

#endif
