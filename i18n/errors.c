/* Errors in the language of the interface.
 *
 * Every part of the program words its errors in English, as one line in a buffer:
 * the engine knows no languages, and a log is read by whoever mends the program.
 * Where a line reaches a person, it is taken apart again: the messages error.* of
 * the English catalogue are the patterns it was written with, so that the parts
 * can be put into the pattern of the other language. Parts are errors themselves
 * ("FILE: cannot open: No such file…"). What no pattern knows stays in English. */
#include "handle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 5, DEPTH_MAX = 6 };

struct part {
	const char *text;
	size_t len;
};

/* text is pattern with something in the place of {0}, {1}…, each as short as can be; literal: its own bytes. */
static bool matches(const char *pattern, const char *text, size_t len, struct part *parts, size_t *literal)
{
	while (*pattern && *pattern != '{') {
		if (!len || *pattern != *text)
			return false;
		pattern++, text++, len--, ++*literal;
	}
	if (!*pattern)
		return len == 0;
	size_t index = (size_t)(pattern[1] - '0'), before = *literal;
	if (index >= PARTS_MAX)
		return false;
	for (size_t taken = 0; taken <= len; taken++) {
		*literal = before;
		if (matches(pattern + 3, text + taken, len - taken, parts, literal)) {
			parts[index] = (struct part){text, taken};
			return true;
		}
	}
	return false;
}

/* Whether a pattern that begins with a part has "FILE: line 3: x" in one that is not its last. Where it happened
 * comes off first: in other languages the part stands elsewhere, and the place must not go with it. Not so with
 * "{0}; nothing was imported", which goes with all that is said. */
static bool took_the_place(const char *pattern, const struct part *parts, const char *end)
{
	bool took = false, begins = *pattern == '{' && pattern[3] != ';';
	for (int i = 0; begins && i < PARTS_MAX; i++)
		took |= parts[i].text && parts[i].text + parts[i].len != end &&
			memmem(parts[i].text, parts[i].len, ": ", 2);
	return took;
}

/* The pattern of which most stands in text; NULL: none. */
static const char *find_pattern(const struct i18n *tr, const char *text, struct part *parts)
{
	static const char prefix[] = "error.";
	const char *found = NULL;
	size_t most = 0;
	bool found_clean = false;
	for (size_t i = 0; i < tr->english->count; i++) {
		const struct catalogue_message *message = &tr->english->messages[i];
		struct part got[PARTS_MAX] = {0};
		size_t literal = 0;
		if (strncmp(message->key, prefix, sizeof(prefix) - 1) != 0 ||
		    !matches(message->text, text, strlen(text), got, &literal))
			continue;
		bool clean = !took_the_place(message->text, got, text + strlen(text));
		if (clean == found_clean ? literal <= most : found_clean)
			continue;
		found = message->key;
		found_clean = clean;
		most = literal;
		memcpy(parts, got, sizeof(got));
	}
	return found;
}

/* What the system says of a failed call: its words differ from system to system, its numbers do not. */
static const char *system_key(const char *text)
{
	static const struct {
		int number;
		const char *key;
	} known[] = {
		{ENOENT, "errno.missing"},     {EACCES, "errno.denied"},        {EPERM, "errno.not-permitted"},
		{ENOSPC, "errno.full"},        {EDQUOT, "errno.quota"},         {EROFS, "errno.read-only"},
		{EISDIR, "errno.folder"},      {ENOTDIR, "errno.not-a-folder"}, {EEXIST, "errno.exists"},
		{ENOMEM, "errno.memory"},      {EMFILE, "errno.files"},         {ENFILE, "errno.files"},
		{EIO, "errno.device"},         {ENAMETOOLONG, "errno.name"},    {EBUSY, "errno.busy"},
		{EFBIG, "errno.too-large"},    {ELOOP, "errno.links"},          {EPIPE, "errno.pipe"},
		{ENOEXEC, "errno.executable"}, {EAGAIN, "errno.again"},         {EINVAL, "errno.argument"},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(text, strerror(known[i].number)) == 0)
			return known[i].key;
	return NULL;
}

static char *translate(const struct i18n *tr, const char *text, int depth)
{
	struct part parts[PARTS_MAX] = {0};
	const char *key = system_key(text);
	if (key)
		return xstrdup(i18n_text(tr, key));
	key = depth < DEPTH_MAX ? find_pattern(tr, text, parts) : NULL;
	if (!key)
		return xstrdup(text);
	char *words[PARTS_MAX];
	struct i18n_arg args[PARTS_MAX];
	for (int i = 0; i < PARTS_MAX; i++) {
		char *part = xstrndup(parts[i].text ? parts[i].text : "", parts[i].len);
		words[i] = translate(tr, part, depth + 1);
		args[i] = (struct i18n_arg){.type = strcmp(words[i], part) == 0 ? I18N_STRING : I18N_TEXT,
					    .string = words[i]};
		free(part);
	}
	char *out = i18n_format_args(tr, key, args, PARTS_MAX);
	for (int i = 0; i < PARTS_MAX; i++)
		free(words[i]);
	return out;
}

char *i18n_error(const struct i18n *tr, const char *english)
{
	return tr->language == tr->english ? xstrdup(english) : translate(tr, english, 0);
}
