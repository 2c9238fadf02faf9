/*
 * One goroutine's waits: src/sched/park.h, src/sched/park.c.
 *
 * A goroutine waits ROUNDS times. It can be woken by the object it waits for (which finds it in its queue), by the
 * timer of each wait (which may come any time later, even in a later wait), and by the end of its context. A reader
 * looks at its stack now and then (HELD). The processor may delay the parker's stores (the store buffer `delayed`) and
 * the canceller's.
 *
 * Shown: each wait is claimed by exactly one, the goroutine is queued at most once, never while its registers are
 * unsaved, never while its stack is held, no wake-up is lost (a state in which somebody waits for ever is an invalid
 * end state), nobody claims a wait with a ticket of an earlier one.
 *
 * cc: -DSAFETY -DCOLLAPSE
 * pan: -m100000
 * broken: NO_FENCE NO_CANCEL_FENCE COMMIT_BEFORE_SAVE WAKE_ALWAYS_QUEUES NO_TICKET HELD_IS_NOBODY TIMER_BEFORE_ARMED
 */
#define ROUNDS 2

mtype = { NONE, ARMED, PARKED, EARLY /* CLAIMED_EARLY */, CLAIMED, DONE, HELD };
mtype = { OBJECT, TIMER, CANCEL };

/* g->wait: one word, always changed by a compare-and-swap or by its owner. */
mtype phase = NONE;
byte ticket = 0;

/* The parker's stores on their way to memory: ARMED first, then "queued", in this order. */
bool armed_delayed = false, queue_delayed = false;
#define drained (!armed_delayed && !queue_delayed)

bool queued = false;      /* in the object's queue, as memory shows it */
byte queue_ticket = 0;
bool queue_lock = false;
bool timer_armed[ROUNDS + 1]; /* for each wait */
bool ended = false;       /* the context has ended */
bool ended_delayed = false;

/* What is observed. */
bool running = true, saved = false, held = false;
byte runq = 0;            /* times the goroutine is in the run queue */
byte wins[ROUNDS + 1];
byte current = 0;         /* the wait the goroutine is in, by its own count */
mtype status = NONE;      /* g->wake_status */
bool parker_gone = false;

/* oak__wait_claim */
inline claim(t, won, early)
{
    if
#ifdef NO_TICKET
    :: atomic { phase == ARMED -> phase = EARLY; won = true; early = true; wins[ticket]++ }
    :: atomic { phase == PARKED -> phase = CLAIMED; won = true; early = false; wins[ticket]++ }
    :: atomic { phase != ARMED && phase != PARKED && phase != HELD -> won = false }
#else
    :: atomic { ticket == t && phase == ARMED -> phase = EARLY; won = true; early = true; wins[t]++ }
    :: atomic { ticket == t && phase == PARKED -> phase = CLAIMED; won = true; early = false; wins[t]++ }
  #ifdef HELD_IS_NOBODY
    :: atomic { ticket != t || (phase != ARMED && phase != PARKED) -> won = false }
  #else
    /* a claimer that meets HELD spins: here it is not enabled */
    :: atomic { ticket != t || (phase != ARMED && phase != PARKED && phase != HELD) -> won = false }
  #endif
#endif
    fi
}

inline enqueue()
{
    atomic {
        assert(saved && !running && !held && runq == 0);
        runq++;
    }
}

/* oak__wait_wake: the winner has written the status; it and the parking side agree on who makes it run. */
inline wake(early, who)
{
    status = who;
#ifdef WAKE_ALWAYS_QUEUES
    if
    :: early -> phase = CLAIMED
    :: else
    fi;
    enqueue();
#else
    if
    :: !early -> enqueue()
    :: early ->
        if
        :: atomic { phase == EARLY -> phase = DONE } /* the parking side will see it: it must not be queued */
        :: phase == CLAIMED -> enqueue()
        fi
    fi
#endif
}

/* The goroutine, and the g0 of the worker that runs it. */
active proctype parker()
{
    do
    :: current < ROUNDS ->
        current++;
        /* oak__wait_begin: ARMED is stored, but may not be in memory yet. Under the object's lock. */
        atomic { !queue_lock -> queue_lock = true }
#ifdef TIMER_BEFORE_ARMED
        timer_armed[current] = true;
#endif
        drained;
        armed_delayed = true;
#ifndef TIMER_BEFORE_ARMED
        if /* a deadline is set, or not; the wheel's lock orders the two stores */
        :: drained; timer_armed[current] = true
        :: true
        fi;
#endif
        atomic { queue_ticket = current; queue_delayed = true } /* queued, unlocked */
        /* oak__wait_park: looks at the context, behind a fence. */
#ifndef NO_FENCE
        drained;
#endif
        if
        :: ended ->
            /* it claims itself; where it is too late the claimer's word counts */
            drained;
            if
            :: atomic { phase == ARMED -> phase = DONE; wins[current]++; status = CANCEL }
            :: atomic { phase != ARMED -> skip }
            fi
        :: !ended
        fi;
        /* to g0, which saves the registers and only then commits */
#ifdef COMMIT_BEFORE_SAVE
        running = false;
#else
        atomic { running = false; saved = true }
#endif
        drained;
        if
        :: atomic { phase == ARMED -> phase = PARKED }
#ifdef COMMIT_BEFORE_SAVE
            saved = true;
#endif
            atomic { runq > 0 -> runq--; assert(phase == CLAIMED) }
        :: atomic { phase == EARLY -> phase = CLAIMED }
            atomic { runq > 0 -> runq-- }
        :: atomic { phase == DONE -> skip }
        fi;
        atomic {
            assert(runq == 0 && !held && phase != HELD);
            running = true;
            saved = false;
            assert(wins[current] == 1 && status != NONE);
        }
        if
        :: status != OBJECT ->
            atomic { !queue_lock -> queue_lock = true }
            atomic { queued = false; queue_lock = false }
        :: else
        fi;
        status = NONE
    :: current == ROUNDS -> break
    od;
    parker_gone = true
}

/* The store buffer of the parker's processor. */
active proctype drain()
{
end:
    do
    :: atomic { armed_delayed -> ticket = current; phase = ARMED; armed_delayed = false }
    :: atomic { queue_delayed && !armed_delayed -> queued = true; queue_lock = false; queue_delayed = false }
    od
}

/* The object: pops the waiter under its lock and claims it; it may also never come. */
active proctype object()
{
    bool won, early;
    byte n = 0;
end:
    do
    :: atomic { n < ROUNDS && queued && !queue_lock -> queue_lock = true }
        atomic { queued = false; n++ }
        claim(queue_ticket, won, early);
        queue_lock = false;
        if
        :: won -> wake(early, OBJECT)
        :: else
        fi;
        won = false
    :: true -> break
    od
}

/* The timer of wait t: taken out of the wheel at any time after it was armed, with its ticket beside it. */
proctype timer(byte t)
{
    bool won, early;
end:
    timer_armed[t];
    claim(t, won, early);
    if
    :: won ->
        assert(current == t);
        wake(early, TIMER)
    :: else
#ifdef TIMER_BEFORE_ARMED
        /* It fires once; the one who armed it relies on it. */
        assert(wins[t] == 1);
#endif
    fi
}

/* The end of the context: sets ended, then looks at the goroutine, a member. oak__wait_claim_any: the ticket is the
 * one that it reads. */
active proctype canceller()
{
    bool won, early;
    byte t;
#ifdef NO_CANCEL_FENCE
    ended_delayed = true;
#else
    ended = true;
#endif
    t = ticket;
    claim(t, won, early);
    if
    :: won -> wake(early, CANCEL)
    :: else
    fi
#ifdef NO_CANCEL_FENCE
    ; ended = true
#endif
}

/* A report or the stack trimmer: oak__wait_hold, oak__wait_release. */
active proctype holder()
{
    if
    :: atomic { phase == PARKED -> phase = HELD; held = true; assert(saved && !running) }
        assert(!running && runq == 0);
        atomic { held = false; phase = PARKED }
    :: true
    fi
}

init
{
    run timer(1);
    run timer(2)
}
