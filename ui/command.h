/* command.h: slash commands: the table, and a line to a command and its argument. */
#ifndef COMMAND_H
#define COMMAND_H

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
bool command_parse(const char *line, size_t len, struct command *out);
enum command_id command_find(const char *name, size_t len); /* by name or alias */

#endif
