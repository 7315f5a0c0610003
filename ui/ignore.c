#include "ignore.h"

#include "../xmalloc.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct rule {
	char *folder, *pattern;     /* it counts for what is below folder */
	bool keeps, folders, whole; /* a ! before it; a / after it; a / within it: matched from folder on */
};

struct ignore {
	struct rule *rules;
	int count;
};

struct ignore *ignore_create(void)
{
	return xcalloc(1, sizeof(struct ignore));
}

void ignore_free(struct ignore *ignore)
{
	if (!ignore)
		return;
	for (int i = 0; i < ignore->count; i++) {
		free(ignore->rules[i].folder);
		free(ignore->rules[i].pattern);
	}
	free(ignore->rules);
	free(ignore);
}

static void add_line(struct ignore *ignore, const char *folder, const char *line, size_t len)
{
	struct rule rule = {0};
	while (len && (line[len - 1] == '\r' || (line[len - 1] == ' ' && (len < 2 || line[len - 2] != '\\'))))
		len--;
	if (!len || line[0] == '#')
		return;
	if (line[0] == '!')
		rule.keeps = true, line++, len--;
	if (len && line[len - 1] == '/')
		rule.folders = true, len--;
	rule.whole = len && memchr(line, '/', len) != NULL;
	if (len && line[0] == '/')
		line++, len--;
	if (!len)
		return;
	rule.folder = xstrdup(folder);
	rule.pattern = xstrndup(line, len);
	ignore->rules = xreallocarray(ignore->rules, (size_t)ignore->count + 1, sizeof(rule));
	ignore->rules[ignore->count++] = rule;
}

void ignore_add(struct ignore *ignore, const char *folder, const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;
		add_line(ignore, folder, text, line);
		text += line + (end != NULL);
		len -= line + (end != NULL);
	}
}

static bool segment_matches(const char *pattern, size_t pattern_len, const char *path, size_t len)
{
	char *glob = xstrndup(pattern, pattern_len), *name = xstrndup(path, len);
	bool matches = fnmatch(glob, name, 0) == 0;
	free(glob);
	free(name);
	return matches;
}

/* Part by part between slashes; ** is any number of parts. steps bounds what a hostile pattern can cost. */
static bool path_matches(const char *pattern, const char *path, int *steps)
{
	if (--*steps < 0)
		return false;
	if (!*pattern)
		return !*path;
	size_t part = strcspn(pattern, "/"), len = strcspn(path, "/");
	const char *rest = pattern + part + (pattern[part] == '/'), *below = path + len + (path[len] == '/');
	if (part == 2 && memcmp(pattern, "**", 2) == 0) {
		if (!*rest)
			return *path != '\0';
		return path_matches(rest, path, steps) || (*path && path_matches(pattern, below, steps));
	}
	return *path && segment_matches(pattern, part, path, len) && path_matches(rest, below, steps);
}

static bool rule_matches(const struct rule *rule, const char *path, bool is_folder)
{
	enum { STEPS = 1000 };
	int steps = STEPS;
	size_t folder = strlen(rule->folder);
	if ((rule->folders && !is_folder) || strncmp(path, rule->folder, folder) != 0)
		return false;
	const char *below = path + folder, *slash = strrchr(below, '/');
	return rule->whole ? path_matches(rule->pattern, below, &steps)
			   : fnmatch(rule->pattern, slash ? slash + 1 : below, 0) == 0;
}

bool ignore_matches(const struct ignore *ignore, const char *path, bool is_folder)
{
	for (int i = ignore->count - 1; i >= 0; i--)
		if (rule_matches(&ignore->rules[i], path, is_folder))
			return !ignore->rules[i].keeps;
	return false;
}
