/*
 * A pipeline of three stages: numbers, their squares (by several workers), the sum. Each channel is closed by
 * who knows that nothing more will come: the single producer closes its own, the owner of the workers closes
 * theirs once all of them have ended.
 */
#include <oakum.h>
#include <stdio.h>

enum { NUMBERS = 1000, WORKERS = 4 };

OAK_TASK(produce, oak_chan(int), out)
{
    for (int i = 1; i <= NUMBERS; i++)
        if (oak_send(out, i) != 0)
            break;
    oak_chan_close(out);
}

OAK_TASK(square, oak_chan(int), in, oak_chan(long), out)
{
    oak_range (in, n) {
        if (oak_send(out, (long)n * n) != 0)
            return;
    }
}

OAK_TASK(run_workers, oak_chan(int), in, oak_chan(long), out)
{
    oak_scope (workers) {
        for (int i = 0; i < WORKERS; i++)
            if (oak_go(workers, square, in, out) != 0)
                break;
    }
    oak_chan_close(out);
}

static int app(int argc, char **argv)
{
    (void)argc, (void)argv;
    oak_chan(int) numbers = oak_make(int, 16);
    oak_chan(long) squares = oak_make(long, 16);
    long sum = 0;
    if (!numbers || !squares)
        return 1;
    oak_scope (stages) {
        if (oak_go(stages, produce, numbers) != 0 || oak_go(stages, run_workers, numbers, squares) != 0)
            return 1;
        oak_range (squares, n) {
            sum += n;
        }
    }
    printf("the sum of the first %d squares is %ld\n", NUMBERS, sum);
    oak_chan_free(numbers);
    oak_chan_free(squares);
    return 0;
}

OAK_MAIN(app)
