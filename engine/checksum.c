#include "checksum.h"

#include <string.h>

static const uint64_t prime1 = 0x9e3779b185ebca87u, prime2 = 0xc2b2ae3d27d4eb4fu, prime3 = 0x165667b19e3779f9u,
		      prime4 = 0x85ebca77c2b2ae63u, prime5 = 0x27d4eb2f165667c5u;

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static uint64_t word(const uint8_t *p)
{
	uint64_t x;
	memcpy(&x, p, sizeof(x));
	return x;
}

static uint64_t mix(uint64_t lane, uint64_t input)
{
	return rotate(lane + input * prime2, 31) * prime1;
}

/* Four lanes of eight bytes: long inputs run at the speed of memory. */
static const uint8_t *long_part(const uint8_t *p, size_t len, uint64_t seed, uint64_t *out)
{
	uint64_t lane[4] = {seed + prime1 + prime2, seed + prime2, seed, seed - prime1};
	for (size_t stripes = len / 32; stripes; stripes--, p += 32)
		for (int i = 0; i < 4; i++)
			lane[i] = mix(lane[i], word(p + 8 * i));
	uint64_t sum = rotate(lane[0], 1) + rotate(lane[1], 7) + rotate(lane[2], 12) + rotate(lane[3], 18);
	for (int i = 0; i < 4; i++)
		sum = (sum ^ mix(0, lane[i])) * prime1 + prime4;
	*out = sum;
	return p;
}

uint64_t checksum(const void *bytes, size_t len, uint64_t seed)
{
	const uint8_t *p = bytes, *end = p + len;
	uint64_t sum = seed + prime5;
	if (len >= 32)
		p = long_part(p, len, seed, &sum);
	sum += len;
	for (; end - p >= 8; p += 8)
		sum = rotate(sum ^ mix(0, word(p)), 27) * prime1 + prime4;
	if (end - p >= 4) {
		uint32_t half;
		memcpy(&half, p, sizeof(half));
		sum = rotate(sum ^ half * prime1, 23) * prime2 + prime3;
		p += 4;
	}
	for (; p < end; p++)
		sum = rotate(sum ^ *p * prime5, 11) * prime1;
	sum = (sum ^ sum >> 33) * prime2;
	sum = (sum ^ sum >> 29) * prime3;
	return sum ^ sum >> 32;
}
