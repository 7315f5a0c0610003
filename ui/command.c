#include "command.h"

#include "../nearest.h"

#include <stdlib.h>
#include <string.h>

const struct command_info command_table[COMMAND_COUNT] = {
	[COMMAND_NONE] = {COMMAND_NONE, "", "", ""},
#define COMMAND(id, name, aliases, argument) [COMMAND_##id] = {COMMAND_##id, name, aliases, argument},
#include "commands.def"
#undef COMMAND
};

/* Is name one of the words of list? */
static bool has_word(const char *list, const char *name, size_t len)
{
	while (*list) {
		size_t word = strcspn(list, " ");
		if (word == len && memcmp(list, name, len) == 0)
			return true;
		list += word + strspn(list + word, " ");
	}
	return false;
}

static bool same_folded(const struct i18n *tr, const char *a, size_t a_len, const char *b, size_t b_len)
{
	struct buffer x = {0}, y = {0};
	i18n_fold(tr, a, a_len, &x);
	i18n_fold(tr, b, b_len, &y);
	bool same = x.len && x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
	buffer_free(&x);
	buffer_free(&y);
	return same;
}

const char *command_local_name(const struct i18n *tr, enum command_id id)
{
	char *key = xasprintf("name.%s", command_table[id].name);
	const char *name = i18n_text(tr, key);
	name = name == key ? command_table[id].name : name;
	free(key);
	return name;
}

enum command_id command_find(const struct i18n *tr, const char *name, size_t len)
{
	for (int id = COMMAND_NONE + 1; id < COMMAND_COUNT; id++)
		if (has_word(command_table[id].name, name, len) || has_word(command_table[id].aliases, name, len))
			return (enum command_id)id;
	for (int id = COMMAND_NONE + 1; id < COMMAND_COUNT; id++) {
		const char *english = command_table[id].name, *local = command_local_name(tr, (enum command_id)id);
		if (same_folded(tr, name, len, local, strlen(local)) ||
		    same_folded(tr, name, len, english, strlen(english)))
			return (enum command_id)id;
	}
	return COMMAND_NONE;
}

/* The best of the names so far: what begins with the word is nearer than any slip. */
struct guess {
	const struct i18n *tr;
	struct buffer word; /* folded */
	struct nearest nearest;
	char *name; /* as it is to be typed */
	bool begins;
};

static void offer(struct guess *guess, const char *name, size_t len)
{
	struct buffer folded = {0};
	i18n_fold(guess->tr, name, len, &folded);
	if (folded.len && !guess->begins) {
		int before = guess->nearest.distance;
		guess->begins = guess->word.len > 1 && folded.len > guess->word.len &&
				memcmp(folded.data, guess->word.data, guess->word.len) == 0;
		nearest_offer(&guess->nearest, folded.data);
		if (guess->begins || guess->nearest.distance < before) {
			free(guess->name);
			guess->name = xstrndup(name, len);
		}
	}
	buffer_free(&folded);
}

char *command_nearest(const struct i18n *tr, const char *name, size_t len)
{
	struct guess guess = {.tr = tr};
	i18n_fold(tr, name, len, &guess.word);
	if (!guess.word.len)
		return NULL;
	guess.nearest = nearest_to(guess.word.data);
	for (int id = COMMAND_NONE + 1; id < COMMAND_COUNT; id++) {
		const char *local = command_local_name(tr, (enum command_id)id), *alias = command_table[id].aliases;
		offer(&guess, command_table[id].name, strlen(command_table[id].name));
		offer(&guess, local, strlen(local));
		for (; *alias; alias += strspn(alias, " ")) {
			size_t word = strcspn(alias, " ");
			if (word > 1)
				offer(&guess, alias, word);
			alias += word;
		}
	}
	buffer_free(&guess.word);
	return guess.name;
}

char *command_form(const struct i18n *tr, enum command_id id)
{
	const struct command_info *info = &command_table[id];
	char *argument = i18n_values(tr, info->argument);
	char *form = xasprintf("/%s%s%s", info->name, *argument ? " " : "", argument);
	free(argument);
	return form;
}

char *command_about(const struct i18n *tr, enum command_id id)
{
	const char *name = command_table[id].name, *local = command_local_name(tr, id);
	char *key = xasprintf("command.%s", name);
	char *about = strcmp(local, name) == 0 ? xstrdup(i18n_text(tr, key))
					       : xasprintf("%s · /%s", i18n_text(tr, key), local);
	free(key);
	return about;
}

/* Bytes of the sign that begins a command: / and what input methods type for it. */
static size_t sign_length(const char *line, size_t len)
{
	static const char *const signs[] = {"/", "、", "／"};
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t n = strlen(signs[i]);
		if (len >= n && memcmp(line, signs[i], n) == 0)
			return n;
	}
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Cuts a full-width or plain exclamation mark off the end of the name. */
static bool take_force(const char *name, size_t *len)
{
	static const char wide[] = "！";
	if (*len && name[*len - 1] == '!') {
		(*len)--;
		return true;
	}
	if (*len >= sizeof(wide) - 1 && memcmp(name + *len - (sizeof(wide) - 1), wide, sizeof(wide) - 1) == 0) {
		*len -= sizeof(wide) - 1;
		return true;
	}
	return false;
}

bool command_parse(const struct i18n *tr, const char *line, size_t len, struct command *out)
{
	*out = (struct command){0};
	while (len && (is_space(line[len - 1]) || line[len - 1] == '\n'))
		len--;
	size_t pos = sign_length(line, len);
	if (!pos)
		return false;
	size_t start = pos;
	while (pos < len && !is_space(line[pos]) && line[pos] != '\n')
		pos++;
	out->name = line + start;
	out->name_len = pos - start;
	out->force = take_force(out->name, &out->name_len);
	if (out->name_len == 0 || memchr(out->name, '/', out->name_len))
		return false;
	out->id = command_find(tr, out->name, out->name_len);
	if (memchr(line, '\n', len) && out->id != COMMAND_SYSTEM)
		return false;
	while (pos < len && is_space(line[pos]))
		pos++;
	out->argument = line + pos;
	out->argument_len = len - pos;
	return true;
}
