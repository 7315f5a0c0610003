/* What is known of terminals, kept between starts: the first frame need not wait
 * for answers. A line a terminal, the latest first; a file that cannot be read or
 * written costs nothing but the wait. */
#include "terminal_probe.h"

#include "../xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIELDS = 9, KEPT = 32, LINE_BYTES = 1024 };

static char *file_path(const char *dir)
{
	return xasprintf("%s/terminals", dir);
}

/* Cuts the line at its tabs; the number of fields. */
static int cut(char *line, char *fields[FIELDS])
{
	int count = 0;
	line[strcspn(line, "\n")] = '\0';
	for (char *at = line; at && count < FIELDS; count++) {
		fields[count] = at;
		at = strchr(at, '\t');
		if (at)
			*at++ = '\0';
	}
	return count;
}

static bool read_mode(const char *text, int *mode)
{
	char *end;
	long value = strtol(text, &end, 10);
	*mode = (int)value;
	return end != text && *end == '\0' && value >= -1 && value <= 4;
}

static bool read_color(const char *text, int *color)
{
	char *end;
	long value = strtol(text, &end, 10);
	*color = (int)value;
	return end != text && *end == '\0' && value >= -1 && value <= 0xFFFFFF;
}

static bool read_widths(const char *text, struct terminal_facts *facts)
{
	for (int i = 0; i < I18N_WIDTH_CLASSES; i++) {
		char *end;
		long value = strtol(text, &end, 10);
		if (end == text || value < -1 || value > 16)
			return false;
		facts->width[i] = (int)value;
		text = end + (*end == ',');
	}
	facts->measured = facts->width[0] > 0;
	return *text == '\0';
}

static bool read_line(char *line, struct terminal_facts *facts)
{
	char *fields[FIELDS];
	struct terminal_facts found = *facts;
	if (cut(line, fields) != FIELDS || strcmp(fields[0], facts->identity) != 0)
		return false;
	snprintf(found.name, sizeof(found.name), "%s", fields[1]);
	snprintf(found.outer, sizeof(found.outer), "%s", fields[2]);
	if (!read_mode(fields[3], &found.implicit_bidi) || !read_mode(fields[4], &found.synchronized) ||
	    !read_mode(fields[5], &found.clustering) || !read_mode(fields[6], &found.rgb) ||
	    !read_color(fields[7], &found.background) || !read_widths(fields[8], &found))
		return false;
	*facts = found;
	return true;
}

bool terminal_facts_load(struct terminal_facts *facts, const char *dir)
{
	char *path = file_path(dir), line[LINE_BYTES];
	FILE *file = fopen(path, "re");
	bool found = false;
	free(path);
	while (file && !found && fgets(line, sizeof(line), file))
		found = read_line(line, facts);
	if (file)
		fclose(file);
	return found;
}

static void print_facts(FILE *out, const struct terminal_facts *facts)
{
	fprintf(out, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t", facts->identity, facts->name, facts->outer,
		facts->implicit_bidi, facts->synchronized, facts->clustering, facts->rgb, facts->background);
	for (int i = 0; i < I18N_WIDTH_CLASSES; i++)
		fprintf(out, "%s%d", i ? "," : "", facts->width[i]);
	fputc('\n', out);
}

void terminal_facts_save(const struct terminal_facts *facts, const char *dir)
{
	char *path = file_path(dir), *fresh = xasprintf("%s.%ld", path, (long)getpid()), line[LINE_BYTES];
	FILE *out = fopen(fresh, "we"), *in = fopen(path, "re");
	size_t len = strlen(facts->identity);
	if (out)
		print_facts(out, facts);
	for (int kept = 1; out && in && kept < KEPT && fgets(line, sizeof(line), in);) {
		if (!strchr(line, '\n') || (strncmp(line, facts->identity, len) == 0 && line[len] == '\t'))
			continue;
		fputs(line, out);
		kept++;
	}
	if (in)
		fclose(in);
	bool failed = !out || ferror(out);
	if (out)
		failed = fclose(out) != 0 || failed;
	if (failed || rename(fresh, path) != 0)
		unlink(fresh);
	free(fresh);
	free(path);
}
