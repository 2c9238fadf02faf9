/*
 * What the analysis knows of the program: goroutines, what they wait for, contexts, scopes. Read out of an image
 * by decode.c; the marker (mark.h) works on nothing else, so that a test can make a world up.
 *
 * References between these are indices + 1; 0 is none.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_WORLD_H
#define OAK_LEAK_WORLD_H

#include "leak/tables.h"

#include <oakum/inspect.h>

/*
 * A goroutine, or the stand-in of a plain thread. There may be millions: what is rarely asked for is read out of the image
 * again (oak__node_id).
 */
struct oak__node {
    uintptr_t g; /* its descriptor */
    uintptr_t
        stack; /* of a blocked one: where the part in use begins; of others: where the slot does; 0: no stack */
    uint32_t stack_size;       /* of the part in use, up to the slot's end */
    uint32_t first_wait;       /* in world.waits */
    uint32_t first_hold;       /* locks that it holds and others wait for */
    uint32_t ctx, next_member; /* ambient context, and the next goroutine that has it */
    uint32_t scope;            /* in world.scopes: that it is a child of */
    uint32_t next_live;        /* in the marker's queue */
    uint16_t nwaits;
    uint8_t reason;        /* oak_wait_reason */
    bool blocked : 1;      /* parked, and nothing will end that by itself */
    bool live : 1;         /* may run again. At first: those that surely will */
    bool stack_seen : 1;   /* its stack is live memory */
    bool stack_missed : 1; /* and still to be looked at */
    bool thread : 1;
};
_Static_assert(sizeof(struct oak__node) == 48, "a million of them are 48 MB");

/* What makes a wait end. */
enum oak__wait_rule {
    OAK__RULE_REACH,    /* somebody live who reaches the object */
    OAK__RULE_HOLDERS,  /* that, and all who hold the lock give it back */
    OAK__RULE_BEHIND,   /* that, and the writer who is first in the queue has had the lock or given up */
    OAK__RULE_NEVER,    /* the lock's owner has ended with it */
    OAK__RULE_CHILDREN, /* the end of all children of the scope */
    OAK__RULE_CHILD,    /* the end of any child, or somebody live who reaches the scope */
};

struct oak__wait {
    uintptr_t object;
    union {
        uint64_t owner; /* NEVER: id of who held the lock */
        struct {
            uint32_t holder;  /* HOLDERS, BEHIND: one of those; in the end one that is leaked */
            uint32_t holders; /* how many there are, less those known to be live */
        };
        uint32_t next_place; /* CHILD: of those who wait for a place in the same scope */
    };
    uint32_t next;      /* in its hash slot */
    uint32_t node : 28; /* index (not + 1) */
    uint32_t rule : 3;  /* oak__wait_rule */
    bool reached : 1;   /* somebody live reaches the object */
};
_Static_assert(sizeof(struct oak__wait) == 24, "a million of them are 24 MB");
enum { OAK__MOST_NODES = (1 << 28) - 1, OAK__MOST_CASES = UINT16_MAX };

/* Node holds the lock that wait is for. */
struct oak__hold {
    uint32_t wait, next; /* wait: index; next: of the same node */
};

struct oak__ctx_node {
    uintptr_t at;
    uint32_t parent; /* whose end it hears of */
    uint32_t first_child, next_sibling;
    uint32_t first_member; /* blocked goroutines */
    uintptr_t refs[3];     /* value, done channel, the next one that an end in progress will end */
    uint32_t first_after;  /* in world.afters */
    bool alive;            /* may end. At first: those that surely will */
    uint32_t next_alive;   /* in the marker's queue */
};

/* What an after-function will be called with when its context ends. */
struct oak__after_node {
    uintptr_t arg;
    uint32_t next; /* of the same context */
};

/*
 * A pointer to exactly this address inside a goroutine's stack is not a reference to that stack. A scope lies on
 * its owner's stack, and whoever has a pointer to it can end its context or ask it for a place, nothing more: that
 * pointer means the context. Links between scopes mean nothing.
 */
struct oak__special {
    uintptr_t at;
    uint32_t scope; /* in world.scopes; 0: it means nothing */
};

/* A scope that somebody waits for. */
struct oak__scope_node {
    uintptr_t at;
    uintptr_t ctx;
    uint32_t owner_wait;   /* of the one who waits for all children */
    uint32_t place_wait;   /* first of those who wait for a place */
    uint32_t missing;      /* children not known to be live */
    uint32_t leaked_child; /* one that is found to be leaked in the end */
};

struct oak__world {
    const struct oak__image *img;
    struct oak__node *nodes;
    size_t nnodes;
    struct oak__wait *waits;
    size_t nwaits;
    struct oak__hold *holds;
    size_t nholds;
    struct oak__ctx_node *ctxs; /* one for each object of the table, in its order */
    size_t nctxs;
    struct oak__after_node *afters;
    size_t nafters;
    struct oak__scope_node *scopes; /* sorted by address */
    size_t nscopes;
    struct oak__span *roots; /* pieces of memory that are live by themselves, besides what roots.c finds */
    size_t nroots;
    struct oak__span *dead; /* parts of threads' stacks below their stack pointers: no roots */
    size_t ndead;
    struct oak__special *specials; /* sorted by address */
    size_t nspecials;
    struct oak__stack_owner {
        uint32_t *node; /* per slot of the region: index + 1 */
        size_t n;
    } owners[OAK__MOST_STACK_REGIONS];
};

/* Reads the program's state. 0 or -ENOMEM. */
int oak__decode(struct oak__image *img, const struct oak__tables *t, struct oak__scratch *s,
                struct oak__world *w);

/* Of a node: its id; its descriptor's wait word, which tells whether it still is in that wait. */
uint64_t oak__node_id(const struct oak__world *w, const struct oak__node *n);
uint64_t oak__node_wait(const struct oak__world *w, const struct oak__node *n);

/* The slot of a stack region that p lies in: its bounds and its number. False: none. */
bool oak__stack_slot(const struct oak__tables *t, uintptr_t p, size_t *region, size_t *slot,
                     struct oak__span *out);

#endif
