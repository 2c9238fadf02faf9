#include "leak/debug_root.h"

#include "inspect/symbol.h"
#include "leak/identity.h"
#include "leak/no_pointers.h"
#include "leak/stop_signal.h"
#include "leak/tables.h"
#include "scope/ctx_after.h"
#include "scope/scope.h"
#include "sched/m.h"
#include "stack/away.h"
#include "stack/stack.h"
#include "sync/chan.h"
#include "sync/reads.h"

#include <oakum/version.h>
#include <string.h>

/* Not all zero, so that it lies in the initialised data: that is where it is looked for. */
struct oak__debug_root oak__debug_root = {.size = sizeof oak__debug_root};

#if defined(__x86_64__)
    #define PROCESSOR "x86_64"
#else
    #define PROCESSOR "aarch64"
#endif
#if OAK_TSAN
    #define SANITIZER "-tsan"
#elif OAK_ASAN
    #define SANITIZER "-asan"
#else
    #define SANITIZER ""
#endif
const char oak__debug_identity[OAK__DEBUG_IDENTITY] = OAK__SOURCES "-" PROCESSOR SANITIZER;

/* Before main: whoever has a process or a core file of it finds the record filled in. */
__attribute__((constructor)) static void fill(void)
{
    struct oak__debug_root *r = &oak__debug_root;
    strncpy(r->version, oak_version(), sizeof r->version - 1);
    memcpy(r->identity, oak__debug_identity, sizeof r->identity);
    const struct oak__slab *slabs[OAK__DEBUG_SLABS] = {&oak__g_slab, &oak__m_slab, &oak__ctx_slab,
                                                       &oak__after_slab, &oak__reads_slab};
    memcpy(r->slabs, slabs, sizeof slabs);
    oak__kept_tables(&r->kept_lo, &r->kept_hi);
    oak__dwarf_books(&r->names_lo, &r->names_hi);
    r->no_pointers = &oak__no_pointers;
    oak__slab_books(&r->slab_books);
    oak__stack_books(&r->stack_books);
    r->scopes = oak__scope_roots();
    r->stop_return = OAK__STOP_RETURN;
    r->sched = &oak__sched;
    r->code = (const void *)(uintptr_t)fill;
    r->self = r;
    memcpy(r->magic, OAK__DEBUG_MAGIC, sizeof r->magic);
}
