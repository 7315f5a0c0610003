/* options.h: every option of the command line and of the configuration file,
 * from the one table in options.def. Help, completion, man page, bora-config(5)
 * and /set are made from the same table.
 *
 * Each source keeps what it gives; the last source in enum option_source that
 * gives a value counts. What none gives, the model may recommend. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "engine/engine.h"
#include "i18n/i18n.h"

enum option_id {
#define OPTION(id, ...) OPTION_##id,
#include "options.def"
#undef OPTION
	OPTION_COUNT
};

enum option_group { GROUP_CHAT, GROUP_MODEL, GROUP_SAMPLING, GROUP_SCREEN, GROUP_TOOLS, GROUP_GENERAL, GROUP_COUNT };
enum option_type { OPTION_FLAG, OPTION_STRING, OPTION_INTEGER, OPTION_REAL, OPTION_CHOICE, OPTION_LIST };
enum {
	OPTION_IN_CONFIG = 1,
	OPTION_IN_SET = 2,
	OPTION_OPTIONAL_VALUE = 4,
	OPTION_SEVERAL = 8,      /* bora bench takes several numbers, separated by commas: option_string() has them */
	OPTION_GLUED_VALUE = 16, /* a value only as --extract=2 or -x2: the next word is never it */
	OPTION_IN_ROLE = 32,     /* a role may set it, as it may what OPTION_IN_SET allows */
};

enum option_source {
	SOURCE_DEFAULT,
	SOURCE_HABIT, /* the role that the configuration file names */
	SOURCE_FILE,
	SOURCE_ROLE, /* the role that the command line or /role names */
	SOURCE_ENVIRONMENT,
	SOURCE_COMMAND_LINE,
	SOURCE_CHAT, /* /set and the like */
	SOURCE_COUNT
};

struct option_info {
	enum option_id id;
	const char *name; /* long name without dashes: "ctx-size"; also the config key */
	char letter;      /* short form, or 0 */
	enum option_type type;
	int flags;
	const char *value;    /* what the value is called in help: "N", "FILE"; for CHOICE: "app|terminal" */
	double low, high;     /* range of numbers */
	const char *fallback; /* the default, as text, "" for none */
	enum option_group group;
};
extern const struct option_info option_table[OPTION_COUNT];

struct options; /* values, and where each came from */

struct options *options_create(void);
void options_free(struct options *);
/* Both return -1 with one line: what, where, what to do. */
/* command (or NULL) decides what -n means, and whether several numbers may be given; argv holds the words after it. */
int options_parse(struct options *, const char *command, int argc, char **argv, char *err, size_t errlen);
/* What the file says takes the place of what it said before; on an error that stays. A missing file is fine. */
int options_read_config(struct options *, const char *path, char *err, size_t errlen);
const char *options_warnings(const struct options *); /* of the last reading, a line each; "" for none */
int options_set(struct options *, enum option_id, const char *text, char *err, size_t errlen); /* from SOURCE_CHAT */
int options_set_from(struct options *, enum option_source, enum option_id, const char *text, char *err, size_t errlen);
void options_clear(struct options *, enum option_source);
void options_unset(struct options *, enum option_id); /* the built-in default holds again */
/* Cuts a line of settings into key and value, in place; both NULL for an empty line or a comment; false: neither. */
bool option_line(char *line, char **key, char **value);
char **options_rest(const struct options *, int *count); /* words that are no options */

const struct option_info *option_named(const char *name); /* NULL: none */
const char *option_nearest(const char *name, int flags);  /* what may have been meant, or NULL */
enum option_source option_source(const struct options *, enum option_id);
bool option_given(const struct options *, enum option_id); /* by anyone but the built-in default */
bool option_flag(const struct options *, enum option_id);
const char *option_string(const struct options *, enum option_id); /* NULL: none */
int64_t option_integer(const struct options *, enum option_id);
double option_real(const struct options *, enum option_id);
const char *const *option_list(const struct options *, enum option_id, int *count);

/* The model's recommendation with what the person asked for on top. */
struct engine_sampling options_sampling(const struct options *, const struct engine_sampling *recommended);
void options_engine(const struct options *, struct engine_options *out); /* path is left to the caller */

#endif
