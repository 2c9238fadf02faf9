/*
 * Select and hand-over: src/sync/chan.c, src/sync/select.c.
 *
 * Two unbuffered channels. One goroutine selects on a receive from both, its waiters hang in both queues and share one
 * claim word (what happens below that word is park.pml's business: here a wait is open, or claimed by one). Two senders,
 * one for each channel; channel 1 is closed at some moment; the select and sender 0 are cancelled at some moment.
 * Afterwards the selecting goroutine receives without waiting whatever waits in the queues.
 *
 * Shown: the select gets exactly one result; a value is received if and only if its sender was told "sent", and only
 * once; a cancelled or refused operation did nothing; nobody waits for ever (invalid end state).
 *
 * cc: -DSAFETY -DCOLLAPSE
 * pan: -m100000
 * broken: NO_CLAIM CANCEL_WINS_ALWAYS VALUE_AFTER_WAKE CLOSE_WITHOUT_CLAIM QUEUED_AFTER_UNLOCK STAYS_QUEUED
 */
#define CHANNELS 2
#define SELECT   2 /* who: 0 and 1 are the senders, by channel */

mtype = { NOTHING, OPEN, TAKEN };           /* a wait word, without its ticket */
mtype = { PENDING, GOT, SENT, CLOSED, CANCELLED };

mtype wait[3] = NOTHING;
mtype result[3] = PENDING; /* what the claimer leaves for the goroutine */
bool woken[3];
bool ended[3];             /* its context has ended */

bool locked[CHANNELS];
bool closed[CHANNELS];
bool receiver_queued[CHANNELS]; /* the select's waiter */
bool sender_queued[CHANNELS];

byte slot = 0;             /* where the select receives: 0, or the sender's number + 1 */
byte from = 0;             /* which channel the winner names */
byte received[CHANNELS];   /* observed: how often the value of each sender was received */
mtype told[3] = PENDING;   /* observed: what each operation returned */

inline lock(c)   { atomic { !locked[c] -> locked[c] = true } }
inline unlock(c) { locked[c] = false }

/* One compare-and-swap. */
inline claim(who, won)
{
    atomic {
        if
        :: wait[who] == OPEN -> wait[who] = TAKEN; won = true
        :: else -> won = false
        fi
    }
}

/* The context ends: the word first, then a look at the goroutine. */
proctype canceller(byte who)
{
    bool won;
    if
    :: true ->
        ended[who] = true;
        claim(who, won);
        if
        :: won -> result[who] = CANCELLED; woken[who] = true
        :: else
        fi
    :: true
    fi
}

proctype sender(byte me)
{
    bool won;
    lock(me);
    if
    :: closed[me] -> unlock(me); told[me] = CLOSED
    :: else ->
        won = false;
        if
        :: receiver_queued[me] ->
            receiver_queued[me] = false; /* popped; if the claim fails somebody else woke it */
#ifdef NO_CLAIM
            won = true;
#else
            claim(SELECT, won);
#endif
        :: else
        fi;
        if
        :: won ->
#ifdef VALUE_AFTER_WAKE
            result[SELECT] = GOT; from = me; woken[SELECT] = true;
            slot = me + 1;
#else
            slot = me + 1; /* onto the receiver's stack, before it can run */
            result[SELECT] = GOT; from = me;
#endif
            unlock(me);
            woken[SELECT] = true;
            told[me] = SENT
        :: else ->
            wait[me] = OPEN;
            sender_queued[me] = true;
            unlock(me);
            if
            :: ended[me] -> /* as oak__wait_park does: it claims itself, or somebody was first */
                claim(me, won);
                if
                :: won -> result[me] = CANCELLED; woken[me] = true
                :: else
                fi
            :: !ended[me]
            fi;
            woken[me];
#ifdef CANCEL_WINS_ALWAYS
            if
            :: ended[me] -> result[me] = CANCELLED
            :: else
            fi;
#endif
            if
            :: result[me] == CANCELLED ->
#ifndef STAYS_QUEUED
                lock(me);
                sender_queued[me] = false;
                unlock(me)
#else
                skip
#endif
            :: else
            fi;
            told[me] = result[me];
            wait[me] = NOTHING
        fi
    fi
}

proctype closer()
{
    bool won_select = false, won_sender = false;
    lock(1);
    closed[1] = true;
    if
    :: receiver_queued[1] ->
        receiver_queued[1] = false;
#ifdef CLOSE_WITHOUT_CLAIM
        won_select = true
#else
        claim(SELECT, won_select)
#endif
    :: else
    fi;
    if
    :: sender_queued[1] -> sender_queued[1] = false; claim(1, won_sender)
    :: else
    fi;
    unlock(1);
    if
    :: won_select -> slot = 0; result[SELECT] = CLOSED; from = 1; woken[SELECT] = true
    :: else
    fi;
    if
    :: won_sender -> result[1] = CLOSED; woken[1] = true
    :: else
    fi
}

/* Takes the value of a sender that waits at c, if there is one. The lock is held. */
inline take_waiting(c, won)
{
    won = false;
    if
    :: sender_queued[c] ->
        sender_queued[c] = false;
        claim(c, won);
        if
        :: won -> received[c]++; result[c] = SENT
        :: else
        fi
    :: else
    fi
}

proctype selector()
{
    bool won = false;
    byte c;
    /* all locks, in one order */
    lock(0);
    lock(1);
    /* a ready case, any of them */
    if
    :: take_waiting(0, won); c = 0
    :: take_waiting(1, won); c = 1
    fi;
    if
    :: !won -> c = 1 - c; take_waiting(c, won)
    :: else
    fi;
    if
    :: won -> unlock(0); unlock(1); woken[c] = true; told[SELECT] = GOT
    :: !won && closed[1] -> unlock(0); unlock(1); told[SELECT] = CLOSED
    :: !won && !closed[1] ->
#ifdef QUEUED_AFTER_UNLOCK
        unlock(0);
        unlock(1);
        wait[SELECT] = OPEN;
        receiver_queued[0] = true;
        receiver_queued[1] = true;
#else
        wait[SELECT] = OPEN;
        receiver_queued[0] = true;
        receiver_queued[1] = true;
        unlock(0);
        unlock(1);
#endif
        if
        :: ended[SELECT] ->
            claim(SELECT, won);
            if
            :: won -> result[SELECT] = CANCELLED; woken[SELECT] = true
            :: else
            fi
        :: !ended[SELECT]
        fi;
        woken[SELECT];
#ifdef CANCEL_WINS_ALWAYS
        if
        :: ended[SELECT] -> result[SELECT] = CANCELLED
        :: else
        fi;
#endif
        assert(result[SELECT] != PENDING);
        if
        :: result[SELECT] == GOT ->
            assert(slot == from + 1); /* the value of the case that it is told */
            received[slot - 1]++
        :: else
        fi;
        lock(0);
        lock(1);
        receiver_queued[0] = false;
        receiver_queued[1] = false;
        unlock(0);
        unlock(1);
        told[SELECT] = result[SELECT];
        wait[SELECT] = NOTHING
    fi;
    /* Others receive what is still offered, until no sender is left. */
    do
    :: told[0] != PENDING && told[1] != PENDING -> break
    :: sender_queued[0] -> c = 0; lock(c); take_waiting(c, won); unlock(c);
        if
        :: won -> woken[c] = true
        :: else
        fi
    :: sender_queued[1] -> c = 1; lock(c); take_waiting(c, won); unlock(c);
        if
        :: won -> woken[c] = true
        :: else
        fi
    od;
    for (c : 0 .. CHANNELS - 1) {
        assert(!sender_queued[c] && !receiver_queued[c]);
        assert(received[c] == (told[c] == SENT -> 1 : 0))
    }
    assert(told[SELECT] != PENDING)
}

init
{
    atomic {
        run sender(0);
        run sender(1);
        run closer();
        run canceller(SELECT);
        run canceller(0);
        run selector()
    }
}
