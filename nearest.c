#include "nearest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LONGEST = 64 };

static int least(int a, int b, int c)
{
	int least = a < b ? a : b;
	return least < c ? least : c;
}

/* The letters of UTF-8 text, each as a number of its own. How many; LONGEST + 1: too many. */
static int letters(const char *text, uint32_t out[LONGEST])
{
	int count = 0;
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		bool goes_on = (*at & 0xC0) == 0x80 && count;
		if (goes_on) {
			out[count - 1] = out[count - 1] << 8 | *at;
			continue;
		}
		if (count == LONGEST)
			return LONGEST + 1;
		out[count++] = *at;
	}
	return count;
}

int nearest_distance(const char *a, const char *b)
{
	int rows[3][LONGEST + 1], *above2 = rows[0], *above = rows[1], *row = rows[2];
	uint32_t x[LONGEST], y[LONGEST];
	int m = letters(a, x), n = letters(b, y);
	if (m > LONGEST || n > LONGEST)
		return LONGEST;
	for (int k = 0; k <= n; k++)
		above[k] = k;
	for (int i = 1; i <= m; i++) {
		row[0] = i;
		for (int k = 1; k <= n; k++) {
			row[k] = least(above[k] + 1, row[k - 1] + 1, above[k - 1] + (x[i - 1] != y[k - 1]));
			bool swapped = i > 1 && k > 1 && x[i - 1] == y[k - 2] && x[i - 2] == y[k - 1];
			if (swapped && above2[k - 2] + 1 < row[k])
				row[k] = above2[k - 2] + 1;
		}
		int *free_row = above2;
		above2 = above;
		above = row;
		row = free_row;
	}
	return above[n];
}

struct nearest nearest_to(const char *word)
{
	/* One slip in three letters is forgiven, three at most. */
	uint32_t all[LONGEST];
	int allowed = (letters(word, all) + 2) / 3;
	return (struct nearest){.word = word, .distance = (allowed < 3 ? allowed : 3) + 1};
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
	int distance = nearest_distance(nearest->word, candidate);
	if (distance >= nearest->distance)
		return;
	nearest->distance = distance;
	nearest->best = candidate;
}
