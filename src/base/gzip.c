/* RFC 1952, RFC 1951: blocks that are stored as they are. */
#include "base/protobuf.h"

enum { MOST_STORED = 65535 };

static uint32_t crc32_of(const unsigned char *data, size_t n)
{
    /* Of the four bits i, the polynomial 0xedb88320. */
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                       0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = ~(uint32_t)0;
    for (size_t i = 0; i < n; i++) {
        crc = crc >> 4 ^ table[(crc ^ data[i]) & 15];
        crc = crc >> 4 ^ table[(crc ^ data[i] >> 4) & 15];
    }
    return ~crc;
}

static void little_endian(struct oak__pb *b, uint32_t v, size_t n)
{
    unsigned char bytes[4] = {(unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16),
                              (unsigned char)(v >> 24)};
    oak__pb_raw(b, bytes, n);
}

void oak__pb_gzip(struct oak__pb *b, const void *data, size_t n)
{
    static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    const unsigned char *at = data;
    oak__pb_raw(b, head, sizeof head);
    size_t left = n;
    do {
        const size_t part = left < MOST_STORED ? left : MOST_STORED;
        left -= part;
        little_endian(b, left == 0, 1);
        little_endian(b, (uint32_t)part, 2);
        little_endian(b, ~(uint32_t)part, 2);
        oak__pb_raw(b, at, part);
        at += part;
    } while (left);
    little_endian(b, crc32_of(data, n), 4);
    little_endian(b, (uint32_t)n, 4);
}
