/*
 * The signal round.
 *
 * Each thread gets a slot before it gets the signal, and the signal carries the slot's number and the round's.
 * The handler notes in the slot where the thread was and sleeps on the round's word until it changes. Threads made
 * meanwhile are found by looking again: when a look finds no thread that has no slot, and every slot is stopped or its
 * thread gone, nobody is left who could make one.
 *
 * A signal may arrive late, when its round has been given up: its thread then finds another word and goes on at once.
 * That it does not write into a slot of a later round is what the slot's own word is for.
 */
#include "leak/stop.h"

#include "base/os.h"
#include "leak/emulator.h"
#include "leak/registers.h"
#include "leak/stop_signal.h"
#include "leak/tasks.h"

#include <limits.h>
#include <linux/futex.h>
#include <time.h>

enum { MOST_THREADS = 1 << 16 };
#define PATIENCE OAK_MILLISECOND /* before it is asked what keeps a thread */

enum slot_phase { SENT = 1, WRITING, STOPPED, GONE };

struct slot {
    _Atomic uint32_t word; /* round << 3 | phase */
    int tid;
    struct oak__thread at;
};

static struct {
    _Atomic uint32_t word;  /* futex: 2 * round, + 1 while threads are to be stopped */
    _Atomic uint32_t count; /* futex: stopped in this round */
    struct slot *slots;     /* MOST_THREADS of them, committed by touch; never unmapped */
    size_t n;               /* in use; the stopper's, as all that follows */
    size_t settled;         /* the first ones, of which all are stopped or gone */
    size_t next; /* behind the slot that was asked for last: threads are listed in the same order again */
    int highest; /* thread id in a slot */
    int dir;     /* /proc/self/task */
    int self;
    bool found;
} stop;

static uint32_t in_phase(uint32_t round, enum slot_phase p)
{
    return round << 3 | (uint32_t)p;
}

static void futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t ns)
{
    struct timespec ts = {.tv_sec = ns / OAK_SECOND, .tv_nsec = ns % OAK_SECOND};
    raw(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, ns == OAK_FOREVER ? NULL : &ts, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
    raw(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* ---- in the threads ---- */

static uintptr_t interrupted_sp(const ucontext_t *uc)
{
#if defined(__x86_64__)
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    return (uintptr_t)uc->uc_mcontext.sp;
#endif
}

enum { RED_ZONE = 128 };

__attribute__((no_sanitize("thread", "address"))) static void note(struct oak__thread *t,
                                                                   const ucontext_t *uc)
{
    const uintptr_t sp = interrupted_sp(uc) - RED_ZONE; /* on x86-64 there may be live data so far below */
    const uintptr_t alt = (uintptr_t)uc->uc_stack.ss_sp, alt_hi = alt + uc->uc_stack.ss_size;
    t->sp = sp;
    t->dead = (struct oak__span){0, 0};
    if (!(uc->uc_stack.ss_flags & SS_DISABLE))
        t->dead = (struct oak__span){alt, sp >= alt && sp < alt_hi ? sp : alt_hi};
    oak__registers_find(uc, t);
}

__attribute__((no_sanitize("thread", "address"))) static void be_stopped(uintptr_t value, void *ucontext)
{
    const uint32_t word = (uint32_t)(value >> 16), round = word >> 1;
    struct slot *s = &stop.slots[value & (MOST_THREADS - 1)];
    uint32_t sent = in_phase(round, SENT);
    if (load_acquire(&stop.word) != word || !cas_seq(&s->word, &sent, in_phase(round, WRITING)))
        return;
    note(&s->at, ucontext);
    store_release(&s->word, in_phase(round, STOPPED));
    fetch_add_seq(&stop.count, 1);
    futex_wake(&stop.count);
    while (load_acquire(&stop.word) == word)
        futex_wait(&stop.word, word, OAK_FOREVER);
}

/* ---- in the stopper ---- */

static uint32_t round_now(void)
{
    return load_relaxed(&stop.word) >> 1;
}

/* Whether this thread will never run any of the program's code again, although it is listed. */
static bool is_out_of_it(int tid)
{
    return !oak__task_runs_code(stop.dir, tid) || oak__emulators_own(stop.dir, tid);
}

/* One that was given up has its slot still, unless another thread has its id by now. */
static bool is_slot_of(const struct slot *s, int tid)
{
    return s->tid == tid && (load_relaxed(&s->word) != in_phase(round_now(), GONE) || is_out_of_it(tid));
}

static bool has_slot(int tid)
{
    for (size_t i = 0; tid <= stop.highest && i < stop.n; i++) {
        const size_t at = (stop.next + i) % stop.n;
        if (is_slot_of(&stop.slots[at], tid)) {
            stop.next = at + 1;
            return true;
        }
    }
    return false;
}

/* A thread without a slot gets one, and the signal. */
static bool catch (int tid, void *arg)
{
    int *err = arg;
    if (tid == stop.self || has_slot(tid))
        return true;
    stop.found = true;
    if (stop.n == MOST_THREADS) {
        *err = -EAGAIN;
        return false;
    }
    struct slot *s = &stop.slots[stop.n];
    s->tid = s->at.tid = tid;
    stop.highest = tid > stop.highest ? tid : stop.highest;
    store_release(&s->word, in_phase(round_now(), SENT));
    int rc = oak__stop_signal_send(tid, (uintptr_t)load_relaxed(&stop.word) << 16 | stop.n);
    stop.n++;
    if (rc == -ESRCH)
        store_relaxed(&s->word, in_phase(round_now(), GONE));
    else if (rc)
        *err = rc;
    return !*err;
}

static bool settled(struct slot *s, bool ask)
{
    uint32_t word = load_acquire(&s->word);
    if (word == in_phase(round_now(), STOPPED) || word == in_phase(round_now(), GONE))
        return true;
    if (!ask || !is_out_of_it(s->tid))
        return false;
    uint32_t sent = in_phase(round_now(), SENT);
    return cas_seq(&s->word, &sent, in_phase(round_now(), GONE));
}

static bool all_settled(bool ask)
{
    while (stop.settled < stop.n && settled(&stop.slots[stop.settled], ask))
        stop.settled++;
    return stop.settled == stop.n;
}

static int wait_for_all(int64_t until)
{
    for (;;) {
        uint32_t count = load_acquire(&stop.count);
        if (all_settled(false))
            return 0;
        futex_wait(&stop.count, count, PATIENCE);
        if (load_acquire(&stop.count) != count)
            continue;
        if (all_settled(true))
            return 0;
        if (oak__os_now() >= until)
            return -EAGAIN;
    }
}

static int open_round(void)
{
    if (!stop.slots)
        stop.slots =
            raw_mmap(MOST_THREADS * sizeof *stop.slots, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE);
    if (!stop.slots)
        return -ENOMEM;
    oak__registers_prepare();
    stop.dir = raw_open("/proc/self/task", O_RDONLY | O_DIRECTORY);
    if (stop.dir < 0)
        return stop.dir;
    int err = oak__stop_signal_install(be_stopped);
    if (err) {
        raw_close(stop.dir);
        return err;
    }
    /* Who was late for the round before has made up his mind by now, or is about to. */
    for (size_t i = 0; i < stop.n; i++)
        while ((load_acquire(&stop.slots[i].word) & 7) == WRITING)
            raw(SYS_sched_yield);
    stop.n = stop.settled = stop.next = 0;
    stop.highest = 0;
    stop.self = (int)raw(SYS_gettid);
    store_relaxed(&stop.count, 0);
    store_seq(&stop.word, load_relaxed(&stop.word) + 1);
    return 0;
}

int oak__stop_all(int64_t limit)
{
    const int64_t until = oak__os_now() + limit;
    int err = open_round();
    if (err)
        return err;
    do {
        stop.found = false;
        int rc = oak__tasks_each(stop.dir, catch, &err);
        err = err ? err : rc;
        if (!err)
            err = wait_for_all(until);
    } while (!err && stop.found);
    raw_close(stop.dir);
    if (err)
        oak__stop_release();
    return err;
}

void oak__stop_release(void)
{
    store_seq(&stop.word, load_relaxed(&stop.word) + 1);
    futex_wake(&stop.word);
}

size_t oak__stop_count(void)
{
    return stop.n;
}

void oak__stop_thread(size_t i, struct oak__thread *out)
{
    const struct slot *s = &stop.slots[i];
    *out = s->at;
    if ((load_relaxed(&s->word) & 7) != STOPPED)
        *out = (struct oak__thread){.tid = 0};
}

struct oak__span oak__stop_memory(void)
{
    uintptr_t lo = (uintptr_t)stop.slots;
    return (struct oak__span){lo, lo + (lo ? MOST_THREADS * sizeof *stop.slots : 0)};
}

struct oak__span oak__stop_books(void)
{
    return (struct oak__span){(uintptr_t)&stop, (uintptr_t)(&stop + 1)};
}
