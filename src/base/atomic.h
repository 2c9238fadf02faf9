/*
 * The one atomic header: each operation's name says its ordering. Every word that two threads share is
 * _Atomic and is touched through these names only. Internal; any folder may include it.
 */
#ifndef OAK_BASE_ATOMIC_H
#define OAK_BASE_ATOMIC_H

#include <stdatomic.h>

/*
 * store_seq is an exchange, which is what x86-64 makes of such a store anyway: no load_seq after it is made before it. (C promises
 * that of a store, too, and aarch64 keeps it; qemu-user, 7.2 at least, lets a load-acquire overtake a store-release.)
 */
#define load_relaxed(p)         atomic_load_explicit((p), memory_order_relaxed)
#define load_acquire(p)         atomic_load_explicit((p), memory_order_acquire)
#define load_seq(p)             atomic_load_explicit((p), memory_order_seq_cst)
#define store_relaxed(p, v)     atomic_store_explicit((p), (v), memory_order_relaxed)
#define store_release(p, v)     atomic_store_explicit((p), (v), memory_order_release)
#define store_seq(p, v)         ((void)atomic_exchange_explicit((p), (v), memory_order_seq_cst))
#define swap_acquire(p, v)      atomic_exchange_explicit((p), (v), memory_order_acquire)
#define swap_release(p, v)      atomic_exchange_explicit((p), (v), memory_order_release)
#define swap_seq(p, v)          atomic_exchange_explicit((p), (v), memory_order_seq_cst)
#define fetch_add_relaxed(p, v) atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define fetch_add_seq(p, v)     atomic_fetch_add_explicit((p), (v), memory_order_seq_cst)
#define fetch_sub_release(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_release)
#define fetch_sub_acq_rel(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_acq_rel)
#define fetch_sub_seq(p, v)     atomic_fetch_sub_explicit((p), (v), memory_order_seq_cst)
#define fetch_or_seq(p, v)      atomic_fetch_or_explicit((p), (v), memory_order_seq_cst)
/* Compare and swap; *expected is updated on failure. Acquire on success orders what follows after what the
 * releaser did. */
#define cas_acquire(p, expected, v)                                                                          \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_acquire, memory_order_relaxed)
#define cas_release(p, expected, v)                                                                          \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_release, memory_order_relaxed)
#define cas_acq_rel(p, expected, v)                                                                          \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_acq_rel, memory_order_relaxed)
#define cas_seq(p, expected, v)                                                                              \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_seq_cst, memory_order_seq_cst)
#define fence_seq() atomic_thread_fence(memory_order_seq_cst)
/* Loads before it come before loads after it: for who reads something twice to see whether it has changed meanwhile. */
#define fence_acquire() atomic_thread_fence(memory_order_acquire)
/* Its counterpart: stores before it are seen before stores after it. */
#define fence_release() atomic_thread_fence(memory_order_release)
/* Keeps the compiler, not the processor, from moving memory accesses across. */
#define compiler_barrier() atomic_signal_fence(memory_order_seq_cst)

/* A word in a public struct (oak_mutex and its kin are plain integers there) seen as the shared word it is.
 */
#define shared_u64(p) ((_Atomic uint64_t *)(p))

#if defined(__x86_64__)
    #define cpu_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
    #define cpu_relax() __asm__ volatile("isb" ::: "memory")
#endif

#endif
