/*
 * The lock of a channel, biased to the P that has it to itself.
 *
 * Most channels are used by goroutines of one P for long. Taking a lock that nobody else wants costs a compare-and-swap
 * each time; so a P that has taken a channel's lock STREAK times in a row becomes its owner. The owner works on the
 * channel in sections (sched/inside.h) without touching the lock. Anybody else takes the lock, finds an owner, clears
 * that field, and waits until the owner's section, if it is in one, is over: then the channel is a locked one again.
 *
 *   - owner is written under the lock only. The owner reads it in its section.
 *   - Who holds the lock and finds no owner, or is the owner, has the channel to itself: the owner's sections are
 *     run by the same thread, or excluded.
 *   - A section never takes a channel's lock: or it could wait for one who waits for its end.
 *
 * With one P channels are owned from birth; a plain thread that comes along takes the lock like anybody else.
 *
 * Internal to sync.
 */
#ifndef OAK_SYNC_CHAN_LOCK_H
#define OAK_SYNC_CHAN_LOCK_H

#include "sched/inside.h"
#include "sync/chan.h"

/* Under the lock, owner being another P or set for none: nobody owns c any more. */
void oak__chan_disown(struct oak__chan *c, struct oak__p *owner);
/* Under the lock: p (NULL: a plain thread) has taken it once more. */
void oak__chan_count(struct oak__chan *c, struct oak__p *p);
/* The owner that a new channel has: NULL, mostly. */
struct oak__p *oak__chan_first_owner(void);

/* Entered, in no section. p: the caller's P, or NULL. */
static inline void chan_lock(struct oak__chan *c, struct oak__p *p)
{
    lock(&c->lock);
    struct oak__p *owner = load_relaxed(&c->owner);
    if (unlikely(owner != p || !p)) {
        if (owner)
            oak__chan_disown(c, owner);
        else
            oak__chan_count(c, p);
    }
}

static inline void chan_unlock(struct oak__chan *c)
{
    unlock(&c->lock);
}

/* Begins a section in which c is p's (true); false: it is not, and there is none. p may be NULL. */
static inline bool chan_enter(struct oak__chan *c, struct oak__p *p)
{
    if (load_relaxed(&c->owner) != p || !p)
        return false;
    oak__inside_begin(p);
    if (likely(load_relaxed(&c->owner) == p))
        return true;
    oak__inside_end(p);
    return false;
}

#endif
