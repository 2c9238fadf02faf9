/* A program of somebody who has only what is installed. It is compiled in every mode that the headers
 * promise. */
#include <oakum.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    if (strcmp(oak_version(), OAK_VERSION_STRING) != 0) {
        fprintf(stderr, "headers %s, library %s\n", OAK_VERSION_STRING, oak_version());
        return 1;
    }
    return 0;
}
