/* Intrusive doubly linked lists. A node that is in no list has next == NULL. Internal; any folder may include
 * it. */
#ifndef OAK_BASE_LIST_H
#define OAK_BASE_LIST_H

#include "base/common.h"

struct oak__link {
    struct oak__link *next, *prev;
};

/* A list is a ring through its head; an all-zero head counts as empty. */
static inline void list_init(struct oak__link *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct oak__link *head)
{
    return head->next == NULL || head->next == head;
}

static inline void list_push_back(struct oak__link *head, struct oak__link *n)
{
    if (!head->next)
        list_init(head);
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}

static inline bool list_linked(const struct oak__link *n)
{
    return n->next != NULL;
}

static inline void list_remove(struct oak__link *n)
{
    assume(n->prev && n->next);
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->next = n->prev = NULL;
}

static inline struct oak__link *list_pop_front(struct oak__link *head)
{
    if (list_empty(head))
        return NULL;
    struct oak__link *n = head->next;
    list_remove(n);
    return n;
}

#endif
