#include "leak/scratch.h"
#include "leak/raw.h"

#include "base/os.h"

enum { STEP = 1 << 20, ALIGN = 16, LEAST = 1 << 25, EMULATED = 1 << 27 };

int oak__scratch_init(struct oak__scratch *s, size_t most)
{
    *s = (struct oak__scratch){.base = NULL};
    for (size_t size = most; size >= LEAST; size /= 2) { /* RLIMIT_AS */
        s->base = raw_mmap(size, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
        if (s->base) {
            s->size = size;
            return 0;
        }
    }
    return -ENOMEM;
}

size_t oak__scratch_small(void)
{
    return oak__os_advice_is_ignored() ? LEAST : (size_t)1 << 28;
}

size_t oak__scratch_for(size_t mapped)
{
    if (oak__os_advice_is_ignored())
        return EMULATED + mapped / 2;
    const size_t least = (size_t)1 << 32;
    return mapped < OAK__SCRATCH_LARGE - least ? least + mapped : OAK__SCRATCH_LARGE;
}

static bool commit(struct oak__scratch *s, size_t upto)
{
    if (upto <= s->committed)
        return true;
    upto = round_up(upto, (size_t)STEP);
    if (upto > s->size)
        return false;
    if (raw(SYS_mprotect, s->base + s->committed, upto - s->committed, PROT_READ | PROT_WRITE) < 0)
        return false;
    s->committed = upto;
    return true;
}

void *oak__scratch_alloc(struct oak__scratch *s, size_t n, size_t size)
{
    if (size && n > s->size / size)
        return NULL;
    size_t bytes = round_up(n * size, (size_t)ALIGN);
    if (bytes > s->size - s->used || !commit(s, s->used + bytes))
        return NULL;
    void *p = s->base + s->used;
    s->used += bytes;
    return p;
}

size_t oak__scratch_resident(const struct oak__scratch *s)
{
    unsigned char in[1024];
    const size_t page = oak__os_page_size(), pages = (s->used + page - 1) / page;
    size_t sum = 0;
    for (size_t i = 0; i < pages; i += sizeof in) {
        const size_t n = pages - i < sizeof in ? pages - i : sizeof in;
        if (raw(SYS_mincore, s->base + i * page, n * page, in) < 0)
            return s->used;
        for (size_t k = 0; k < n; k++)
            sum += (in[k] & 1) * page;
    }
    return sum;
}

void oak__scratch_free(struct oak__scratch *s)
{
    if (s->base)
        raw(SYS_munmap, s->base, s->size);
    s->base = NULL;
}
