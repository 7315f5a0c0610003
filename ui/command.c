#include "command.h"

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

enum command_id command_find(const char *name, size_t len)
{
	for (int id = COMMAND_NONE + 1; id < COMMAND_COUNT; id++)
		if (has_word(command_table[id].name, name, len) || has_word(command_table[id].aliases, name, len))
			return (enum command_id)id;
	return COMMAND_NONE;
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

bool command_parse(const char *line, size_t len, struct command *out)
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
	out->id = command_find(out->name, out->name_len);
	if (memchr(line, '\n', len) && out->id != COMMAND_SYSTEM)
		return false;
	while (pos < len && is_space(line[pos]))
		pos++;
	out->argument = line + pos;
	out->argument_len = len - pos;
	return true;
}
