/*
 * How workers go to sleep without losing work: src/sched/find.c, oak__wake_worker in src/sched/worker.c.
 *
 * A goroutine queues one more on its P, whose processor may delay that store (`late_ring`), and then computes; at the same time
 * a plain thread queues one globally (its stores: `late_global`, the unlocking last). There are two more Ps, whose workers are
 * just looking for work, one after the other on their way to sleep, and one worker that sleeps. The two that were queued wait
 * for each other, so each needs a P of its own. Left out: the poller, timers, and those that have not run yet, whose list is
 * looked at like the ring.
 *
 * Shown: both come to run (else: invalid end state); no P is lost or held twice; the count of those who spin is right.
 *
 * cc: -DSAFETY -DCOLLAPSE
 * pan: -m200000
 * broken: NO_HEAVY_FENCE NO_SECOND_LOOK LOOKS_BEFORE_IDLE COUNTS_WHILE_LOOKING FOUND_WAKES_NOBODY WAKER_GIVES_UP
 */
#define PS      3 /* the last one is the goroutine's that computes */
#define WORKERS 3
#define NONE    7
#define QUEUED  2

byte ring = 0;            /* of the last P, as memory shows it */
byte global = 0;
bool late_ring = false, late_global = false;
bool locked = false;      /* sched.lock */

bool idle_p[2];
byte nidle = 0;
byte nspinning = 0;
bool idle_m[WORKERS];
byte next_p[WORKERS] = NONE;
bool spins[WORKERS];      /* m->spinning */

bool held[2];             /* observed */
byte started = 0;

#define all_run (started == QUEUED)

inline ring_arrives() { ring++; late_ring = false }
inline global_arrives() { global++; locked = false; late_global = false }

active proctype drain()
{
end:
    do
    :: atomic { late_ring -> ring_arrives() }
    :: atomic { late_global -> global_arrives() }
    od
}

inline heavy_fence()
{
#ifndef NO_HEAVY_FENCE
    d_step {
        if :: late_ring -> ring_arrives() :: else fi;
        if :: late_global -> global_arrives() :: else fi
    }
#else
    skip
#endif
}

inline hold(p)
{
    assert(!held[p] && !idle_p[p]);
    held[p] = true
}

/* oak__idle_p_get under the lock. sent: the caller's own stores are in memory (a compare-and-swap waits for them). */
inline take_idle_p(p, sent)
{
    atomic {
        (sent) && !locked ->
        if
        :: idle_p[0] -> p = 0
        :: idle_p[1] -> p = 1
        :: else -> p = NONE
        fi;
        if
        :: p != NONE -> idle_p[p] = false; nidle--
        :: else
        fi
    }
}

/* oak__start_worker, spinning. Where no worker is idle one is made: here one becomes idle, there are more of them than Ps. */
inline start_worker(p)
{
    atomic {
        if
        :: idle_m[0] -> m = 0
        :: idle_m[1] -> m = 1
        :: idle_m[2] -> m = 2
        fi;
        idle_m[m] = false;
        spins[m] = true;
        next_p[m] = p;
        m = 0
    }
}

inline wake_worker(sent)
{
    do
    :: nidle == 0 -> break
    :: else ->
        if
        :: nspinning != 0 -> break
        :: else
        fi;
        atomic { (sent) -> got = (nspinning == 0); nspinning = (got -> 1 : nspinning) }
        if
        :: !got -> break
        :: else
        fi;
        take_idle_p(woken, sent);
        if
        :: woken != NONE -> start_worker(woken); break
        :: else
        fi;
        atomic { assert(nspinning > 0); nspinning-- }
#ifdef WAKER_GIVES_UP
        break
#endif
    od;
    woken = NONE;
    got = false
}

/* A goroutine that was queued. */
inline execute()
{
    started++;
    all_run
}

inline stop_spinning(me)
{
    if
    :: spins[me] -> atomic { spins[me] = false; assert(nspinning > 0); nspinning-- }
    :: else
    fi
}

inline take_from(queue, lock)
{
    if
    :: atomic { !(lock) && queue > 0 -> queue--; found = true }
    :: queue == 0
    fi
}

/* oak__find_runnable's look: found or not. The own ring is empty. */
inline look(me)
{
    take_from(global, locked);
    if
    :: !found && !spins[me] && 2 * nspinning < PS - nidle -> atomic { nspinning++; spins[me] = true }
    :: else
    fi;
    if
    :: !found && spins[me] ->
        take_from(ring, false);
        if
        :: !found -> take_from(global, locked)
        :: else
        fi
    :: else
    fi
}

/* give_up_p, up to the unlocking. kept: there is work. */
inline put_idle_p(p)
{
    atomic {
        !locked ->
        if
        :: global > 0 -> kept = true
        :: else -> held[p] = false; idle_p[p] = true; nidle++
        fi
    }
}

/* work_anywhere */
inline second_look()
{
    again = (global > 0);
    if
    :: !again -> again = (ring > 0)
    :: else
    fi
}

proctype worker(byte me, p)
{
    byte woken = NONE, m = 0;
    bool found = false, again = false, got = false, kept = false;

    if
    :: p == NONE -> goto sleep
    :: else -> hold(p)
    fi;
search:
    look(me);
    if
    :: found ->
#ifdef FOUND_WAKES_NOBODY
        stop_spinning(me);
#else
        if
        :: spins[me] -> stop_spinning(me); wake_worker(true)
        :: else
        fi;
#endif
        execute();
        goto over
    :: else
    fi;
#ifdef LOOKS_BEFORE_IDLE
    heavy_fence();
    second_look();
    if
    :: again -> again = false; goto search
    :: else
    fi;
#endif
    put_idle_p(p);
    if
    :: kept -> kept = false; goto search
    :: else
    fi;
#ifndef COUNTS_WHILE_LOOKING
    stop_spinning(me);
#endif
#ifndef LOOKS_BEFORE_IDLE
    heavy_fence();
  #ifndef NO_SECOND_LOOK
    second_look();
  #endif
#endif
#ifdef COUNTS_WHILE_LOOKING
    stop_spinning(me);
#endif
    if
    :: again ->
        again = false;
        take_idle_p(p, true);
        if
        :: p != NONE ->
            hold(p);
            atomic { nspinning++; spins[me] = true }
            goto search
        :: else
        fi
    :: else
    fi;
sleep:
    p = NONE;
    atomic { !locked -> idle_m[me] = true }
end:
    atomic { next_p[me] != NONE -> p = next_p[me]; next_p[me] = NONE; hold(p) }
    if
    :: !all_run -> goto search
    :: else
    fi;
over:
    skip
}

/* Runs on the last P and queues one more there. */
active proctype goroutine()
{
    byte woken = NONE, m = 0;
    bool got = false;

    late_ring = true;
    wake_worker(!late_ring);
    all_run
}

/* Queues one globally. */
active proctype thread()
{
    byte woken = NONE, m = 0;
    bool got = false;

    atomic { !locked -> locked = true }
    late_global = true;
    wake_worker(!late_global);
    all_run
}

init
{
    atomic {
        run worker(0, 0);
        run worker(1, 1);
        run worker(2, NONE)
    }
}
