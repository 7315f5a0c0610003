/* checksum.h: a fast 64-bit checksum of bytes in memory: XXH64, as its specification has it.
 *
 * Against accidents, not against forgers: whoever checks one still bounds what the bytes say. */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t checksum(const void *bytes, size_t len, uint64_t seed);

#endif
