#include "nearest.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { LONGEST = 64 };

static int least(int a, int b, int c)
{
	int least = a < b ? a : b;
	return least < c ? least : c;
}

int nearest_distance(const char *a, const char *b)
{
	int rows[3][LONGEST + 1], *above2 = rows[0], *above = rows[1], *row = rows[2];
	size_t m = strlen(a), n = strlen(b);
	if (m > LONGEST || n > LONGEST)
		return LONGEST;
	for (size_t k = 0; k <= n; k++)
		above[k] = (int)k;
	for (size_t i = 1; i <= m; i++) {
		row[0] = (int)i;
		for (size_t k = 1; k <= n; k++) {
			row[k] = least(above[k] + 1, row[k - 1] + 1, above[k - 1] + (a[i - 1] != b[k - 1]));
			bool swapped = i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1];
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
	int allowed = (int)(strlen(word) + 2) / 3;
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
