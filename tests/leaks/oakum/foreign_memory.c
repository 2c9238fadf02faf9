/*
 * Memory that the C library's allocator knows nothing of has the only references: a page shared with other processes, and the
 * heap of a library with an allocator of its own. Not leaked.
 */
#include "kernel.h"

#include <sys/mman.h>

OAK_TASK(receiver, oak_chan(int), ch)
{
    int v;
    must(oak_recv(ch, &v) == 0);
}

static void known_to(int flags, size_t where)
{
    char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED);
    oak_chan(int) *object = (oak_chan(int) *)(memory + where);
    *object = oak_make(int, 0);
    go(receiver, *object);
}

KERNEL
{
    known_to(MAP_SHARED, 0);
    known_to(MAP_PRIVATE, 54320);
}

NOTHING_LEAKS;
LIVE(receiver);
