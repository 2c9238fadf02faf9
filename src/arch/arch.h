/*
 * What differs between processors: the switch, a new stack's first contents, and a thread-local pointer that
 * is never cached. A backend is a folder: arch/x86_64, arch/aarch64. Internal: sched, scope and inspect may
 * include it.
 */
#ifndef OAK_ARCH_ARCH_H
#define OAK_ARCH_ARCH_H

#include "base/common.h"

/* switch.h of each processor:
 *      static inline void oak__switch(void **save_sp, void *to_sp);
 * saves on this stack what is needed to go on here, the stack's pointer in *save_sp, and goes on where to_sp was saved. */
#if defined(__x86_64__)
    #include "arch/x86_64/switch.h"
#elif defined(__aarch64__)
    #include "arch/aarch64/switch.h"
#endif

/* Entry frame of a goroutine; calls oak__g_main, which never returns. */
void oak__first_frame(void);

/* Prepares a stack that ends at top (16-aligned) so that the first switch to the result enters
 * oak__first_frame. */
SCHEDULER_STEP static inline void *oak__stack_prepare(void *top)
{
    /* After the first switch the stack pointer is top - 16: aligned as a function's entry expects before its caller's
     * call. */
    void **sp = (void **)top - 2 - OAK__SWITCH_WORDS;
    sp[OAK__SWITCH_FRAME] = NULL;
    sp[OAK__SWITCH_PC] = (void *)(uintptr_t)oak__first_frame;
    return sp;
}

/*
 * The one thread-local of the runtime: this thread's M. A compiler may keep the address of a thread-local
 * across a call that migrates the goroutine (hazard 1); an asm volatile is done anew each time, and costs two
 * instructions.
 */
struct oak__m;
extern __thread struct oak__m *oak__tls_m __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline struct oak__m *oak__m_self(void)
{
    struct oak__m *m;
#if defined(__x86_64__)
    __asm__ volatile("movq oak__tls_m@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(m));
#elif defined(__aarch64__)
    void *tp;
    __asm__ volatile("adrp %0, :gottprel:oak__tls_m\n\t"
                     "ldr %0, [%0, #:gottprel_lo12:oak__tls_m]\n\t"
                     "mrs %1, tpidr_el0\n\t"
                     "ldr %0, [%1, %0]"
                     : "=&r"(m), "=&r"(tp));
#endif
    return m;
}

#endif
