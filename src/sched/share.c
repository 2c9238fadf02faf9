#include "sched/share.h"

static const int64_t ALONE_LEAST = 100 * OAK_MICROSECOND;
static const int64_t ALONE_MOST = 16 * OAK_MILLISECOND;
/* Who has been busy for so long with what was stolen has helped, whatever it was. */
static const int64_t LONG = 50 * OAK_MICROSECOND;
static const int64_t PACE_EVERY = 100 * OAK_MICROSECOND;

void oak__share_stolen(struct oak__m *m, struct oak__p *p, struct oak__p *victim)
{
    m->theft = (struct oak__theft){
        .victim = victim, .thief = p, .at = oak__os_now(), .tick = load_relaxed(&p->tick)};
}

void oak__share_judge(struct oak__m *m, struct oak__p *p, int64_t now)
{
    const struct oak__theft t = m->theft;
    if (!t.victim)
        return;
    m->theft.victim = NULL;
    if (t.thief != p)
        return;
    int64_t busy = now - t.at;
    int64_t ran = (int64_t)(load_relaxed(&p->tick) - t.tick) + 1;
    if (busy > LONG || busy > ran * OAK__MIGRATION) {
        store_relaxed(&t.victim->alone_for, 0);
        return;
    }
    int64_t alone = 2 * load_relaxed(&t.victim->alone_for);
    alone = alone < ALONE_LEAST ? ALONE_LEAST : alone > ALONE_MOST ? ALONE_MOST : alone;
    store_relaxed(&t.victim->alone_for, alone);
    store_relaxed(&t.victim->alone_until, now + alone);
}

void oak__share_pace(struct oak__p *p, int64_t now)
{
    int64_t since = now - p->pace_since;
    if (since < PACE_EVERY)
        return;
    uint32_t tick = load_relaxed(&p->tick);
    if (!shares(p) && since > (int64_t)(tick - p->pace_tick) * OAK__MIGRATION)
        store_relaxed(&p->alone_until, 0);
    p->pace_tick = tick;
    p->pace_since = now;
}
