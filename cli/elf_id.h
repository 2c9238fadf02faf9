/*
 * The build id that the linker gives a program or library: two files that have the same one were linked from the same.
 */
#ifndef OAKUM_CLI_ELF_ID_H
#define OAKUM_CLI_ELF_ID_H

#include <stdbool.h>
#include <stddef.h>

struct elf_id {
    unsigned char byte[64];
    size_t n; /* 0: there is none */
};

/* Of the first bytes of an ELF file, or of what is mapped of it from its beginning. False: it is no ELF file. */
bool elf_id_of(const void *at, size_t size, struct elf_id *out);
/* Of an open file; its position stays. */
bool elf_id_of_file(int fd, struct elf_id *out);
/* The first few bytes in hexadecimal digits; "none". */
const char *elf_id_text(const struct elf_id *id, char buf[20]);
/* Both have one, and not the same. */
bool elf_id_differ(const struct elf_id *a, const struct elf_id *b);

#endif
