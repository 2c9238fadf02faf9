/* Memory of stacks: what a deep call touched is given back while its goroutine stays parked. */
#include "support/goroutine.h"

#include <stdint.h>
#include <sys/mman.h>
#include <string.h>

static _Atomic uintptr_t deep_page;

static __attribute__((noinline)) void go_deep(void)
{
    char big[40 * 1024];
    memset(big, 1, sizeof big);
    __asm__ volatile("" : : "r"(big) : "memory");
    deep_page = ((uintptr_t)big + 8192) & ~(uintptr_t)4095;
}

OAK_TASK(deep_then_park, oak_chan(int), ch, _Atomic int *, sum)
{
    int mine = 41, v = 0;
    go_deep();
    expect(oak_recv(ch, &v) == 0);
    *sum = mine + v; /* what is live on the stack stayed */
}

static bool resident(uintptr_t page)
{
    unsigned char in = 1;
    expect(mincore((void *)page, 4096, &in) == 0);
    return in & 1;
}

TEST(a_parked_stack_is_trimmed)
{
    oak_chan(int) ch = oak_make(int, 0);
    static _Atomic int sum;
    expect(oak_go_detached(deep_then_park, ch, &sum) == 0);
    wait_until(deep_page != 0);
    wait_until(!resident(deep_page));
    expect(oak_send(ch, 1) == 0);
    wait_until(sum == 42);
    oak_chan_free(ch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parked_stack_is_trimmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
