/*
 * Waiting: how a goroutine goes to sleep and how exactly one of its possible wakers wakes it.
 *
 * A blocked goroutine may be woken by the object it waits for, by a second object (select), by a timer, by
 * the end of its context, by a reclaim. All of them must first *claim* the wait: a compare-and-swap on
 * g->wait that exactly one wins. The ticket in the upper bits numbers the waits of a goroutine, so that a
 * waker who comes late (a timer in flight, a queue entry not yet removed) claims nothing.
 *
 *   ARMED ---park commit---> PARKED             ARMED: published, registers not yet saved
 *     |                        |
 *   claim                    claim              PARKED: switched away; nobody runs it
 *     v                        v
 *   CLAIMED_EARLY           CLAIMED            the winner now owns wake_status and the element, calls oak__wait_wake
 *     |      \                 ^
 *   wake    park commit -------'
 *     v
 *   DONE  -> the parking side sees it at commit and runs on
 *
 * The claim (acquire-release) pairs with the store of ARMED (release): the claimer sees the waiter as
 * published. wake makes the goroutine runnable through a queue (release), so it sees what the claimer wrote.
 * CLAIMED_EARLY -> CLAIMED by the parking side and CLAIMED_EARLY -> DONE by wake are compare-and-swaps on one
 * word, so one of the two enqueues it, never both. models/park.pml is this protocol.
 *
 * HELD is a short lock on a PARKED goroutine, taken by those who look at its stack from outside (reports,
 * stack trimming): a claimer that meets it spins until it is PARKED again.
 *
 * How an object's blocking call reads:
 *
 *      struct oak__g *g = oak__enter();                     // from here on entered: no preemption, no user code
 *      int err = oak__ctx_check(g);                         // level-triggered cancellation
 *      if (!err) {
 *          lock(&o->lock);
 *          if (can go on at once) { ...; unlock(&o->lock); }
 *          else {
 *              struct oak__waiter *w = oak__wait_begin(g, OAK_WAIT_MUTEX, o, deadline);
 *              list_push_back(&o->queue, &w->link);
 *              unlock(&o->lock);
 *              err = oak__wait_park(g);                     // 0 or the claimer's negative errno
 *              if (err < 0) {                               // not woken by the object: maybe still queued
 *                  lock(&o->lock);
 *                  if (list_linked(&w->link)) list_remove(&w->link);
 *                  unlock(&o->lock);
 *              }
 *          }
 *      }
 *      oak__exit();
 *
 * and its waker, entered too:
 *
 *      lock(&o->lock);
 *      while ((w = pop(&o->queue)))
 *          if (oak__wait_claim(w->g, w->ticket)) { winner = w->g; break; }   // else someone else woke it: off the queue
 *      unlock(&o->lock);
 *      if (winner) oak__wait_wake(winner, 0);
 *
 * A waiter stays valid while it is queued, because its owner removes it under the object's lock before it
 * goes on.
 *
 * Internal: sync, scope, poll, net, time and sched may include it.
 */
#ifndef OAK_SCHED_PARK_H
#define OAK_SCHED_PARK_H

#include "sched/sched.h"

enum oak__wait_phase {
    OAK__W_NONE = 0,
    OAK__W_ARMED,
    OAK__W_PARKED,
    OAK__W_CLAIMED_EARLY,
    OAK__W_CLAIMED,
    OAK__W_DONE,
    OAK__W_HELD,
};
#define OAK__W_PHASE(word)  ((enum oak__wait_phase)((word)&7))
#define OAK__W_TICKET(word) ((word) >> 3)

/*
 * Opens a wait of the calling goroutine g: from here it can be claimed. reason and obj are what reports and
 * the leak proof see. deadline: absolute, OAK_FOREVER: none; it claims with -ETIMEDOUT. Returns g's inline
 * waiter, filled (g, ticket), not queued. Entered; may be under the object's lock.
 */
struct oak__waiter *oak__wait_begin(struct oak__g *g, enum oak_wait_reason reason, const void *obj,
                                    int64_t deadline);
/* Switches away until woken; the claimer's status. Looks at the ambient context first. Entered, no lock held;
 * returns entered, perhaps on another thread. After it the wait is closed (also the timer). */
int oak__wait_park(struct oak__g *g);
/* Instead of parking: the owner closes the wait. True: it is closed, nobody claimed it. False: somebody has;
 * call oak__wait_park, which returns at once or soon. */
bool oak__wait_abandon(struct oak__g *g);

/* Claims the wait `ticket` of g. True for exactly one caller. Any thread; g may be any descriptor, even a
 * recycled one. */
bool oak__wait_claim(struct oak__g *g, uint64_t ticket);
/* Claims whatever wait g is in now. For contexts and reclaim. False: it is in none. */
bool oak__wait_claim_any(struct oak__g *g);
/* By the winner of a claim: makes g runnable with that status. Entered. */
void oak__wait_wake(struct oak__g *g, int status);

/* The winner's handshake without the queueing: true when the caller must now queue g; false when g's own
 * thread, still on its way to park, will run on by itself. For those who make many runnable at once (the
 * netpoller). */
bool oak__wait_finish(struct oak__g *g, int status);

/* Takes a PARKED goroutine's stack for a look (true) until oak__wait_release. While held nobody can wake it: be
 * short. Between oak__looking_begin and _end (inside.h). */
bool oak__wait_hold(struct oak__g *g);
void oak__wait_release(struct oak__g *g);

/* The absolute time of a limit from now, without overflow. limit OAK_FOREVER: OAK_FOREVER. */
int64_t oak__deadline_of(int64_t limit);

#endif
