/* A process that says it runs with a version of the library that does not exist: the head of src/leak/debug_root.h. */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static struct {
    char magic[16];
    const void *self;
    uint32_t size;
    char version[20];
    char rest[1024];
} root = {.magic = "oakum.debug.roo", .size = 1, .version = "99.1.2"};

int main(void)
{
    char c;
    root.self = &root;
    root.magic[15] = 't';
    puts("settled");
    fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0)
        ;
    return 0;
}
