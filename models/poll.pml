/*
 * One side of a descriptor that a goroutine waits for: src/poll/poll.h, src/poll/poll.c.
 *
 * A reader reads BYTES bytes: it tries the call and waits at EAGAIN, with or without a time limit; after the limit it tries
 * again. The kernel tells of a change once (edge-triggered); events that nobody has fetched yet are one. The poller fetches an
 * event at any time and looks at the descriptor later. When all is read the memory is used for another descriptor of the
 * same kind, on which the reader waits until it is evicted; an event of the old one may still be in the poller's hands.
 * The processor may delay the reader's stores that are not atomic operations (`forgetting`).
 *
 * Shown: no byte waits for ever, nor does the reader (else: invalid end state); each wait is claimed once; nobody finds a
 * waiter of an earlier wait, or another one, in the place; nobody is woken by another descriptor's event.
 *
 * cc: -DSAFETY -DCOLLAPSE
 * pan: -m200000
 * broken: READY_NOT_KEPT FORGETS_AFTER_CALL FORGETS_BY_STORE LOOKS_UNLOCKED NO_WITHDRAW WAKES_WITHOUT_CLAIM
 * broken: NO_GENERATION EVICT_ONLY_WAKES
 */
#define BYTES 3
#define WAITS 6 /* more than there can be */

mtype = { NONE, EVENT, LIMIT, EVICTED };

/* the kernel's */
byte data = 0;
bool event[2];          /* for each use of the memory: told to epoll, not fetched */

/* struct oak__poll_fd */
bool locked = false;
bool ready = false;
bool forgetting = false; /* ready = 0, a plain store on its way */
byte place = 0;          /* the wait of the waiter; 0: nobody */
byte generation = 0;
bool evicted = false;

/* the reader's waits, numbered */
byte current = 0;
bool open = false;       /* nobody has claimed the current one */
byte claims = 0;         /* of the current one: observed */
bool limited = false;
mtype status = NONE;
bool reads_on = true;
bool told = false;       /* observed: the second use of the memory has had an event */

inline take() { atomic { !locked -> locked = true } }
inline give() { locked = false }

/* oak__wait_claim of wait t, and the wake of who wins. */
inline claim_and_wake(t, who, won)
{
    atomic {
        won = (t == current && open);
#ifdef WAKES_WITHOUT_CLAIM
        won = (t == current);
#endif
        if
        :: won -> open = false; claims++; assert(claims == 1); status = who
        :: else
        fi
    }
}

/* take_waiter. Under the lock. */
inline take_waiter(t, who, won)
{
    t = place;
    place = 0;
    won = false;
    if
    :: t != 0 ->
        assert(t == current); /* its owner takes it out before it goes on */
        claim_and_wake(t, who, won)
    :: else
    fi;
    if
#ifndef READY_NOT_KEPT
    :: !won -> ready = true
#else
    :: !won
#endif
    :: won
    fi;
    t = 0
}

active proctype kernel()
{
    byte n = 0;
    do
    :: n < BYTES -> atomic { data++; event[0] = true; n++ }
    :: else -> break
    od
}

active proctype poller()
{
    byte use, t;
    bool won;
end:
    do
    :: atomic { event[0] -> event[0] = false; use = 0 }
        take();
#ifdef NO_GENERATION
        if
        :: true -> assert(use == generation || place == 0); take_waiter(t, EVENT, won)
        fi;
#else
        if
        :: use == generation -> take_waiter(t, EVENT, won)
        :: else
        fi;
#endif
        give();
        won = false
    od
}

/* The reader's time limit, if it has one. */
active proctype timer()
{
    bool won;
    byte t;
end:
    do
    :: atomic { limited -> limited = false; t = current }
        claim_and_wake(t, LIMIT, won);
        won = false;
        t = 0
    od
}

active proctype drain()
{
end:
    do
    :: atomic { forgetting -> ready = false; forgetting = false }
    od
}

/* Ends the waits on the second use of the memory. */
active proctype closer()
{
    byte t;
    bool won;
    atomic { generation == 1 && !reads_on };
    take();
#ifndef EVICT_ONLY_WAKES
    evicted = true;
#endif
    take_waiter(t, EVICTED, won);
    give()
}

/* oak__poll_wait_fd: result NONE: look again. */
inline wait_fd(may_be_limited)
{
    status = NONE;
#ifdef LOOKS_UNLOCKED
    forgetting_is_over();
    if
    :: evicted -> status = EVICTED
    :: ready -> ready = false; status = EVENT
    :: else
    fi;
    take();
#else
    take();
    forgetting_is_over();
    if
    :: evicted -> status = EVICTED
    :: !evicted && ready -> ready = false; status = EVENT
    :: else
    fi;
#endif
    if
    :: status == NONE ->
        assert(place == 0); /* or: -EBUSY */
        atomic { current++; assert(current < WAITS); open = true; claims = 0 }
        place = current;
        give();
        if
        :: may_be_limited -> limited = true
        :: true
        fi;
        atomic { status != NONE -> limited = false }
        if
        :: status == LIMIT || status == EVICTED ->
#ifndef NO_WITHDRAW
            take();
            if
            :: place == current -> place = 0
            :: else
            fi;
            give()
#endif
        :: else
        fi
    :: else -> give()
    fi
}

inline forgetting_is_over()
{
    !forgetting
}

/* oak__poll_prepare */
inline forget()
{
#ifdef FORGETS_BY_STORE
    if
    :: ready -> forgetting = true
    :: else
    fi
#else
    if
    :: ready -> ready = false
    :: else
    fi
#endif
}

active proctype reader()
{
    byte got = 0;
    byte limits = 0;
    do
    :: got < BYTES ->
#ifndef FORGETS_AFTER_CALL
        forget();
#endif
        if
        :: atomic { data > 0 -> data--; got++ }
        :: data == 0 ->
#ifdef FORGETS_AFTER_CALL
            forget();
#endif
            if
            :: limits < 1 -> wait_fd(true)
            :: else -> wait_fd(false)
            fi;
            if
            :: status == LIMIT -> limits++
            :: else
            fi
        fi
    :: else -> break
    od;
    /* Closed; the memory is used again. */
    take();
    generation = 1;
    give();
    take();
    ready = false;
    evicted = false;
    give();
    reads_on = false;
    do
    :: wait_fd(false);
        if
        :: status == EVICTED -> break
        :: else -> assert(false) /* nothing has happened to it */
        fi
    od
}
