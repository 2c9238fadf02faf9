/* Memory that belongs to no goroutine: variables, blocks of the heap, mappings. */
#include "heldtest.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- variables ---- */

void *volatile held_global; /* not static: any other file might use it */

static void put_global(void)
{
    put_at(&held_global);
}

static void clear_global(void)
{
    held_global = NULL;
}

static void *volatile *static_local(void)
{
    static void *volatile here;
    return &here;
}

static void put_static(void)
{
    put_at(static_local());
}

static void clear_static(void)
{
    *static_local() = NULL;
}

/* Of the thread of the runtime on which the test happens to run; goroutines do not take it along. */
static __thread void *volatile of_the_thread;
static void *volatile *of_some_thread;

static NOINLINE void *volatile *thread_local(void)
{
    return &of_the_thread;
}

static void put_thread_local(void)
{
    of_some_thread = thread_local();
    put_at(of_some_thread);
}

static void clear_thread_local(void)
{
    *of_some_thread = NULL;
}

/* ---- the heap ---- */

static void *volatile *block;

static void put_into(void *p)
{
    block = p;
    if (!p)
        abort();
    memset(p, 0, 64);
    put_at(block + 3);
}

static void clear_block(void)
{
    block[3] = NULL;
    free((void *)block);
    block = NULL;
}

static void put_small(void)
{
    put_into(malloc(64));
}

static void put_mapped(void)
{
    put_into(malloc(4 << 20));
}

static void put_aligned(void)
{
    put_into(aligned_alloc(4096, 4096 * 3));
}

static void *allocate(void *size)
{
    return malloc((uintptr_t)size);
}

/* Another thread's malloc has an arena of its own. */
static void put_in_arena(void)
{
    pthread_t t;
    void *p;
    if (pthread_create(&t, NULL, allocate, (void *)64) || pthread_join(t, &p))
        abort();
    put_into(p);
}

/* From a variable to a list of blocks, of which the last one has it. */
struct link {
    struct link *next;
    void *volatile mine;
};
static struct link *list;

static void put_in_list(void)
{
    for (int i = 0; i < 1000; i++) {
        struct link *l = calloc(1, sizeof *l);
        if (!l)
            abort();
        if (!list)
            put_at(&l->mine);
        l->next = list;
        list = l;
    }
}

static void clear_list(void)
{
    while (list) {
        struct link *l = list;
        list = l->next;
        l->mine = NULL;
        free(l);
    }
}

/* ---- other addresses than the block's beginning ---- */

static NOINLINE void put_offset(size_t off)
{
    held_global = (char *)reveal() + off;
}

static void put_middle(void)
{
    put_offset(37);
}

static NOINLINE size_t block_size(void)
{
    return malloc_usable_size(reveal());
}

static void put_last_byte(void)
{
    put_offset((OAK_ASAN || OAK_TSAN ? 100 : block_size()) - 1);
}

static void put_end(void)
{
    put_offset(OAK_ASAN || OAK_TSAN ? 100 : block_size());
}

/* ---- mappings ---- */

static void *volatile *mapping;
enum { MAPPED = 1 << 16, PLACE = 5000 };

static void map(int flags, int fd)
{
    void *p = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (p == MAP_FAILED)
        abort();
    mapping = p;
    put_at(mapping + PLACE);
}

static void clear_mapping(void)
{
    if (mprotect((void *)mapping, MAPPED, PROT_READ | PROT_WRITE))
        abort();
    mapping[PLACE] = NULL;
    if (munmap((void *)mapping, MAPPED))
        abort();
}

static void put_private(void)
{
    map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void put_shared(void)
{
    map(MAP_SHARED | MAP_ANONYMOUS, -1);
}

static void map_file(int fd, int flags)
{
    if (fd < 0 || ftruncate(fd, MAPPED))
        abort();
    map(flags, fd);
    close(fd);
}

static void put_memfd(void)
{
    map_file(memfd_create("held", MFD_CLOEXEC), MAP_SHARED);
}

static int temporary(void)
{
    char name[] = "held-XXXXXX";
    int fd = mkstemp(name);
    if (fd >= 0)
        unlink(name);
    return fd;
}

static void put_file(void)
{
    map_file(temporary(), MAP_SHARED);
}

static void put_private_file(void)
{
    map_file(temporary(), MAP_PRIVATE);
}

static void put_without_access(void)
{
    put_private();
    if (mprotect((void *)mapping, MAPPED, PROT_NONE))
        abort();
}

static void put_shared_without_access(void)
{
    put_shared();
    if (mprotect((void *)mapping, MAPPED, PROT_NONE))
        abort();
}

static void put_read_only(void)
{
    put_private();
    if (mprotect((void *)mapping, MAPPED, PROT_READ))
        abort();
}

/* An allocator of somebody else's: a mapping with a free list, and blocks from it. */
struct foreign {
    struct foreign *next;
    void *volatile mine;
};

static void put_foreign_heap(void)
{
    put_private();
    mapping[PLACE] = NULL;
    struct foreign *f = (struct foreign *)mapping;
    for (int i = 0; i < 100; i++)
        f[i].next = &f[i + 1];
    put_at(&f[99].mine);
}

static void clear_foreign_heap(void)
{
    struct foreign *f = (struct foreign *)mapping;
    f[99].mine = NULL;
    clear_mapping();
}

/* ---- how it is written down ---- */

struct __attribute__((packed)) packed {
    uint32_t four;
    char *mine;
    char one;
    char *odd;
};
static struct packed in_packed;

static NOINLINE void put_packed(void)
{
    in_packed.mine = reveal();
}

static NOINLINE void put_odd(void)
{
    in_packed.odd = reveal();
}

static void clear_packed(void)
{
    memset(&in_packed, 0, sizeof in_packed);
}

static uintptr_t disguised;

static NOINLINE void put_disguised(void)
{
    disguised = (uintptr_t)reveal() ^ 0x5555555555555555;
}

/* Low bits are often used for flags. */
static NOINLINE void put_tagged(void)
{
    held_global = (void *)((uintptr_t)reveal() | 7);
}

static void clear_disguised(void)
{
    disguised = 0;
}

/* References stand at multiples of eight; on x86-64 of four, where struct epoll_event has one. */
#if defined(__x86_64__)
enum { PACKED_NOT_SEEN = false };
#else
enum { PACKED_NOT_SEEN = true };
#endif

int main(void)
{
    static const struct place places[] = {
        {"a global variable", put_global, clear_global, false},
        {"a static variable", put_static, clear_static, false},
        {"a thread-local variable", put_thread_local, clear_thread_local, false},
        {"a block", put_small, clear_block, false},
        {"a block with a mapping of its own", put_mapped, clear_block, false},
        {"an aligned block", put_aligned, clear_block, false},
        {"a block of a thread's arena", put_in_arena, clear_block, false},
        {"the end of a list", put_in_list, clear_list, false},
        {"a pointer to the middle", put_middle, clear_global, false},
        {"a pointer to the last byte", put_last_byte, clear_global, false},
        {"a pointer just past the end", put_end, clear_global, false},
        {"a pointer with flags", put_tagged, clear_global, false},
        {"a private mapping", put_private, clear_mapping, false},
        {"a shared mapping", put_shared, clear_mapping, false},
        {"a memory file", put_memfd, clear_mapping, false},
        {"a file", put_file, clear_mapping, false},
        {"a private page of a file", put_private_file, clear_mapping, false},
        {"a mapping without access", put_without_access, clear_mapping, false},
        {"a shared mapping without access", put_shared_without_access, clear_mapping, false},
        {"a read-only mapping", put_read_only, clear_mapping, false},
        {"a foreign heap", put_foreign_heap, clear_foreign_heap, false},
        {"a packed struct", put_packed, clear_packed, PACKED_NOT_SEEN},
        {"an odd address", put_odd, clear_packed, true},
        {"a disguised pointer", put_disguised, clear_disguised, true},
    };
    return run_places(places, countof(places));
}
