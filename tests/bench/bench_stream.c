/* What a streaming reply costs the screen: processor time a token and as a share
 * of one core at 200 tokens a second, thirty frames a second, on a screen in memory.
 *
 * usage: bench_stream [FILE]   FILE is repeated up to 200 kB; else replies of several kinds */
#include "ui/transcript.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BYTES = 200000, TOKEN = 4, PER_SECOND = 200, FRAMES = 30, ROWS = 40, COLUMNS = 100 };

static const char mixed[] =
	"## Sorting in place\n\nThe **quick** method splits at a *pivot*; see [the paper](https://example.com/p).\n\n"
	"1. Choose a pivot, `a[lo + (hi - lo) / 2]`.\n2. Move smaller ones left.\n   - they keep no order\n"
	"   - equal ones may stay\n3. Do the same on both sides.\n\n```c\nvoid sort(int *a, int n)\n{\n\tif (n < 2)\n"
	"\t\treturn; /* nothing to do */\n\tint p = a[n / 2];\n}\n```\n\n| Case | Time | Space |\n|:--|--:|:-:|\n"
	"| best | n log n | log n |\n| worst | n² | n |\n\n> Stability costs **memory**.\n\n"
	"快速排序平均需要 `n log n` 次比较。ترتيب سريع **جدا** في المتوسط.\n\n";
static const char paragraph[] = "A paragraph with **bold** words and `code` that never ends, as some models do; ";
static const char code[] = "\tif (value > limit) return \"too much\"; // never\n";
static const char rows[] = "| name of it | 12,345 | **yes** |\n";
static const char items[] = "  - another *nested* point of the list with some words\n";

static double cpu_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void run(const char *name, const char *head, const char *unit, size_t unit_len)
{
	struct i18n *tr = i18n_open("en");
	struct transcript *t = transcript_create(tr, I18N_BIDI_APP);
	struct screen *screen = screen_open_headless(ROWS, COLUMNS);
	struct buffer text = {0};
	buffer_puts(&text, head);
	while (text.len < BYTES)
		buffer_append(&text, unit, unit_len);
	int entry = transcript_add(t, ENTRY_ASSISTANT, "", 0), tokens = 0, frames = 0;
	double start = cpu_ms(), worst = 0, half = 0;
	for (size_t at = 0; at < text.len; at += TOKEN, tokens++) {
		transcript_append(t, entry, text.data + at, text.len - at < TOKEN ? text.len - at : TOKEN);
		if (tokens * FRAMES / PER_SECOND == frames - 1)
			continue;
		double before = cpu_ms();
		transcript_draw(t, screen, 0, ROWS);
		frames++;
		double took = cpu_ms() - before;
		worst = took > worst ? took : worst;
		if (at < text.len / 2)
			half = cpu_ms() - start;
	}
	double total = cpu_ms() - start;
	printf("%-10s %7d tokens  %.4f ms/token  %5.2f %% of a core at %d tokens/s  first half %.0f ms, second %.0f ms "
	       " worst frame %.1f ms\n",
	       name, tokens, total / tokens, total / tokens * PER_SECOND / 10, PER_SECOND, half, total - half, worst);
	buffer_free(&text);
	screen->ops->close(screen);
	transcript_free(t);
	i18n_close(tr);
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "C.UTF-8");
	if (argc > 1) {
		FILE *file = fopen(argv[1], "rb");
		char *bytes = xmalloc(BYTES);
		size_t len = file ? fread(bytes, 1, BYTES, file) : 0;
		if (!len) {
			fprintf(stderr, "bench_stream: cannot read %s\n", argv[1]);
			return 1;
		}
		run(argv[1], "", bytes, len);
		free(bytes);
		fclose(file);
		return 0;
	}
	run("mixed", "", mixed, sizeof(mixed) - 1);
	run("paragraph", "", paragraph, sizeof(paragraph) - 1);
	run("code", "```c\n", code, sizeof(code) - 1);
	run("table", "| a | b | c |\n|---|--:|---|\n", rows, sizeof(rows) - 1);
	run("list", "- top\n", items, sizeof(items) - 1);
	return 0;
}
