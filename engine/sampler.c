#include "sampler.h"
#include "../xmalloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { PENALTY_WINDOW = 64 };

struct sampler {
	int vocab;
	struct engine_sampling settings;
	uint64_t random[4]; /* xoshiro256** */
	int32_t recent[PENALTY_WINDOW];
	int recent_count, recent_next;
	float *logits;               /* [vocab] after the penalty */
	struct candidate *candidate; /* [vocab] */
};

struct sampler *sampler_create(int vocab)
{
	struct sampler *sampler = xcalloc(1, sizeof(*sampler));
	sampler->vocab = vocab;
	sampler->logits = xcalloc((size_t)vocab, sizeof(*sampler->logits));
	sampler->candidate = xcalloc((size_t)vocab, sizeof(*sampler->candidate));
	return sampler;
}

void sampler_destroy(struct sampler *sampler)
{
	if (!sampler)
		return;
	free(sampler->logits);
	free(sampler->candidate);
	free(sampler);
}

/* --- Random numbers: xoshiro256** seeded by splitmix64 (Blackman and Vigna, prng.di.unimi.it) --- */

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint64_t rotate_left(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static uint64_t next_random(uint64_t s[4])
{
	uint64_t result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

/* In [0, 1). */
static double next_uniform(struct sampler *sampler)
{
	return (double)(next_random(sampler->random) >> 11) * 0x1p-53;
}

static uint64_t fresh_seed(void)
{
	uint64_t seed;
	struct timespec now;
	if (getentropy(&seed, sizeof(seed)) == 0)
		return seed;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000007u ^ (uint64_t)now.tv_nsec;
}

void sampler_start(struct sampler *sampler, const struct engine_sampling *settings)
{
	uint64_t state = settings->seed ? settings->seed : fresh_seed();
	sampler->settings = *settings;
	for (int i = 0; i < 4; i++)
		sampler->random[i] = splitmix(&state);
	sampler->recent_count = sampler->recent_next = 0;
}

void sampler_accept(struct sampler *sampler, int32_t id)
{
	if (id < 0 || id >= sampler->vocab)
		return;
	sampler->recent[sampler->recent_next] = id;
	sampler->recent_next = (sampler->recent_next + 1) % PENALTY_WINDOW;
	if (sampler->recent_count < PENALTY_WINDOW)
		sampler->recent_count++;
}

/* --- The largest logits ------------------------------------------------------------------------- */

static bool precedes(struct candidate a, struct candidate b)
{
	return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

/* Restores a heap whose root is the candidate that comes last. */
static void sift_down(struct candidate *heap, int count, int root)
{
	struct candidate moved = heap[root];
	for (int child; (child = 2 * root + 1) < count; root = child) {
		if (child + 1 < count && precedes(heap[child], heap[child + 1]))
			child++;
		if (!precedes(moved, heap[child]))
			break;
		heap[root] = heap[child];
	}
	heap[root] = moved;
}

static void heap_sort(struct candidate *heap, int count)
{
	for (int i = count / 2 - 1; i >= 0; i--)
		sift_down(heap, count, i);
	for (int end = count - 1; end > 0; end--) {
		struct candidate last = heap[0];
		heap[0] = heap[end];
		heap[end] = last;
		sift_down(heap, end, 0);
	}
}

void sampler_top(const float *logits, int n, int count, struct candidate *out)
{
	if (count <= 0)
		return;
	for (int i = 0; i < count; i++)
		out[i] = (struct candidate){logits[i], i};
	for (int i = count / 2 - 1; i >= 0; i--)
		sift_down(out, count, i);
	for (int i = count; i < n; i++)
		if (logits[i] > out[0].logit) {
			out[0] = (struct candidate){logits[i], i};
			sift_down(out, count, 0);
		}
	heap_sort(out, count);
}

/* --- Choosing --------------------------------------------------------------------------------------- */

static int32_t greedy(const float *logits, int n)
{
	int best = 0;
	for (int i = 1; i < n; i++)
		if (logits[i] > logits[best])
			best = i;
	return best;
}

/* Positive logits are divided, negative ones multiplied: both become less likely (CTRL, arXiv 1909.05858). */
static const float *penalize(struct sampler *sampler, const float *logits)
{
	float penalty = sampler->settings.repeat_penalty;
	if (penalty == 1 || penalty <= 0 || sampler->recent_count == 0)
		return logits;
	memcpy(sampler->logits, logits, (size_t)sampler->vocab * sizeof(*logits));
	for (int i = 0; i < sampler->recent_count; i++) {
		int32_t id = sampler->recent[i];
		sampler->logits[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty;
	}
	return sampler->logits;
}

static int gather_at_least(struct sampler *sampler, const float *logits, float least)
{
	int count = 0;
	for (int i = 0; i < sampler->vocab; i++)
		if (logits[i] >= least)
			sampler->candidate[count++] = (struct candidate){logits[i], i};
	return count;
}

static double mass(const struct candidate *candidate, int count, float largest)
{
	double sum = 0;
	for (int i = 0; i < count; i++)
		sum += exp((double)candidate[i].logit - (double)largest);
	return sum;
}

/* How many of the sorted candidates it takes to reach the mass; at least one. */
static int reach(const struct candidate *candidate, int count, float largest, double wanted)
{
	double sum = 0;
	for (int i = 0; i < count; i++) {
		sum += exp((double)candidate[i].logit - (double)largest);
		if (sum >= wanted)
			return i + 1;
	}
	return count;
}

/* The nucleus of all logits, sorted: looks at the likely ones first, at more only if they do not suffice. */
static int nucleus(struct sampler *sampler, const float *logits, float largest, float top_p)
{
	static const float depths[] = {3, 7, 12, 20, INFINITY};
	double total = 0;
	int count = 0;
	for (int i = 0; i < sampler->vocab; i++)
		total += exp((double)logits[i] - (double)largest);
	for (size_t i = 0; i < sizeof(depths) / sizeof(*depths); i++) {
		count = gather_at_least(sampler, logits, largest - depths[i]);
		if (mass(sampler->candidate, count, largest) >= top_p * total)
			break;
	}
	heap_sort(sampler->candidate, count);
	return reach(sampler->candidate, count, largest, top_p * total);
}

/* Fills sampler->candidate with what top-k and top-p leave. */
static int select_candidates(struct sampler *sampler, const float *logits, float largest)
{
	const struct engine_sampling *s = &sampler->settings;
	bool limits_k = s->top_k > 0 && s->top_k<sampler->vocab, limits_p = s->top_p> 0 && s->top_p < 1;
	if (limits_k) {
		sampler_top(logits, sampler->vocab, s->top_k, sampler->candidate);
		double total = mass(sampler->candidate, s->top_k, largest);
		return limits_p ? reach(sampler->candidate, s->top_k, largest, s->top_p * total) : s->top_k;
	}
	if (limits_p)
		return nucleus(sampler, logits, largest, s->top_p);
	return gather_at_least(sampler, logits, -INFINITY);
}

static int32_t draw(struct sampler *sampler, int count, float largest)
{
	const struct engine_sampling *s = &sampler->settings;
	struct candidate *candidate = sampler->candidate;
	double least = s->min_p > 0 ? (double)largest + log(s->min_p) : -INFINITY, sum = 0;
	for (int i = 0; i < count; i++)
		if (candidate[i].logit >= least)
			sum += exp(((double)candidate[i].logit - (double)largest) / s->temp);
	double left = next_uniform(sampler) * sum;
	int32_t chosen = candidate[0].id;
	for (int i = 0; i < count; i++) {
		if (candidate[i].logit < least)
			continue;
		chosen = candidate[i].id;
		left -= exp(((double)candidate[i].logit - (double)largest) / s->temp);
		if (left < 0)
			break;
	}
	return chosen;
}

int32_t sampler_pick(struct sampler *sampler, const float *logits)
{
	const float *adjusted = penalize(sampler, logits);
	int32_t best = greedy(adjusted, sampler->vocab);
	if (sampler->settings.temp <= 0 || sampler->settings.top_k == 1)
		return best;
	int count = select_candidates(sampler, adjusted, adjusted[best]);
	return draw(sampler, count, adjusted[best]);
}
