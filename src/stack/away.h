/*
 * Compact mode: a stack whose goroutine is parked for long is put away. A few hundred live bytes of its top page go to a record
 * (kept.c), a guard takes the page's place, and the whole comes back when the goroutine is resumed or when somebody else
 * touches it: another goroutine that has a pointer to a variable there, a channel whose queue goes through it.
 *
 * One word a slot says where its contents are, a record's address and a state:
 *
 *      IN ---put---> LEAVING --copy--> COPIED --guard--> AWAY          put: the compactor alone, holding the goroutine (park.h: HELD)
 *      ^                                                  |
 *      '------ resume ------ BACK <------ fill ------- COMING          CAS AWAY -> COMING: one of those who want it back wins
 *
 *      state     contents          the page                who touches it
 *      IN        page              plain                   goes on
 *      LEAVING   page              not writable            writers fault and wait for the word
 *      COPIED    record            not writable, or gone   the same; readers too once it is out of reach
 *      AWAY      record            guard                   faults and brings it back
 *      COMING    record, or page   guard, or plain         faults and waits, or goes on
 *      BACK      page              plain                   goes on; the record is kept for its sp, until the goroutine resumes
 *
 * What makes it safe against accesses at any moment: before the copy is made, writers are kept out (userfaultfd's write
 * protection: it splits no mapping), and they learn of it by a fault; MADV_GUARD_INSTALL drops a page before it puts the guard
 * there, and who came in between would find an empty page: so that one page is mapped without access meanwhile (its
 * mapping is whole again a moment later); the page comes back with its contents in one step
 * (UFFDIO_COPY puts it over the guard), never empty first. So a write is either in the copy or made again after the page's return.
 *
 * Who may change the word: the compactor while it holds the goroutine, which so cannot be resumed; the winner of AWAY -> COMING until
 * BACK; the resumer, whose goroutine is claimed and no longer held, BACK -> IN. Only he and the compactor free the record. While
 * the word is not IN, g->sp is NULL (from AWAY on), as before a first run: so the way to resume it is the rare one
 * already, and no switch pays for this mode.
 *
 * models/away.pml is this protocol.
 *
 * A fault is SIGSEGV (guard) or SIGBUS (write protection) in scope/fault.c. The handler takes no lock and allocates nothing.
 * A child of fork has no right to its parent's userfaultfd: it takes the guard away and copies; nobody else runs in it.
 *
 * Internal: sched, scope, inspect, leak may include it.
 */
#ifndef OAK_STACK_AWAY_H
#define OAK_STACK_AWAY_H

#include "base/atomic.h"
#include "base/common.h"

enum oak__away_state {
    OAK__STACK_IN = 0,
    OAK__STACK_LEAVING,
    OAK__STACK_COPIED,
    OAK__STACK_AWAY,
    OAK__STACK_COMING,
    OAK__STACK_BACK,
};
#define OAK__AWAY_STATE(word) ((enum oak__away_state)((word)&7))
#define OAK__AWAY_KEPT(word)  ((word) & ~(uintptr_t)7)

/* What was at [sp, sp + size). */
struct oak__kept {
    char *sp;
    uint32_t size;
    uint32_t unused;
    char bytes[];
};

/* Turns the mode on, once: 0, -ENOTSUP (the kernel or the build cannot), -ENOMEM. One caller at a time. */
int oak__away_begin(void);
bool oak__away_on(void);
/* A region of stacks that may be put away: 0 or negative errno. */
int oak__away_add(void *base, size_t size);

/* The compactor: puts the stack at lo away, whose goroutine it holds; sp: where it left, NULL when the stack was away before in the
 * same wait. False: it stays (too much is live on it, it is away already, or the kernel refused). */
bool oak__away_put(char *lo, char *sp);
/* Whoever resumes a goroutine without an sp: brings its stack back, and its sp. NULL: it was not put away. */
void *oak__away_resume(char *lo);
/* In a handler of SIGSEGV or SIGBUS. True: the instruction can be tried again. */
bool oak__away_fault(const void *address);

/* After a system call has failed with EFAULT. True: p lies on a stack that was put away, it is back, try again. */
bool oak__away_fetch(const void *p);

/* The record with the frames of a goroutine that the caller holds; NULL: they are on its stack. */
const struct oak__kept *oak__away_kept(const char *lo);
/* It was away in this wait and has come back by a fault. Any thread; may be out of date at once. */
bool oak__away_is_back(const char *lo);
/* Stacks that are away now. */
uint64_t oak__away_count(void);
/* Nobody is just bringing one back: the leak proof's good moment. */
bool oak__away_at_rest(void);

/* ---- kept.c ---- */
struct oak__slab;
enum { OAK__KEPT_MOST = 2032 }; /* bytes */
/* NULL: no memory, or too much. */
struct oak__kept *oak__kept_alloc(size_t size);
void oak__kept_free(struct oak__kept *k);
/* Whether that is one of the records' tables. */
bool oak__kept_is_table(const struct oak__slab *s);
/* Where these tables are, one behind the other. */
void oak__kept_tables(const void **lo, const void **hi);

#endif
