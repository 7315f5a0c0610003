/* command.h: slash commands: the table, and a line to a command and its argument.
 *
 * A command has an English name and aliases, which work in every language of the
 * interface, and a name in each language, the message name.NAME. */
#ifndef COMMAND_H
#define COMMAND_H

#include "../i18n/i18n.h"

#include <stdbool.h>
#include <stddef.h>

enum command_id {
	COMMAND_NONE,
#define COMMAND(id, ...) COMMAND_##id,
#include "commands.def"
#undef COMMAND
	COMMAND_COUNT
};

struct command_info {
	enum command_id id;
	const char *name;    /* the message command.NAME describes it */
	const char *aliases; /* separated by spaces */
	const char *argument;
};
extern const struct command_info command_table[COMMAND_COUNT]; /* by id; COMMAND_NONE first */

struct command {
	enum command_id id; /* COMMAND_NONE: no such command */
	const char *name;   /* as typed, without the slash; not NUL-terminated */
	size_t name_len;
	const char *argument; /* within the line, spaces around it cut */
	size_t argument_len;
	bool force; /* a ! right after the name: "/save! 1 x.c" */
};

/* True when the line is a command: it begins with /, 、 or ／ and is one line; two
 * slashes in the first word (a path) make it a message. */
bool command_parse(const struct i18n *, const char *line, size_t len, struct command *out);
/* By name or alias, or by its name in the language of the interface, in any case
 * and with or without accents. */
enum command_id command_find(const struct i18n *, const char *name, size_t len);
/* The name that was probably meant: a name, an alias or a local name that begins with what was typed or differs by a
 * slip or two. NULL: none. Caller frees. */
char *command_nearest(const struct i18n *, const char *name, size_t len);
const char *command_local_name(const struct i18n *, enum command_id); /* "aide"; lives as long as the language */
char *command_form(const struct i18n *, enum command_id);             /* "/save N FILE"; caller frees */
char *command_about(const struct i18n *, enum command_id); /* what it does, and its local name; caller frees */

#endif
