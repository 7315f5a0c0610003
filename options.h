/* options.h: every option of the command line and of the configuration file,
 * from the one table in options.def. Help, completion, man page, bora-config(5)
 * and /set are made from the same table.
 *
 * Precedence: command line, environment, configuration file, the model's own
 * recommendation, built-in default. */
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
	OPTION_SEVERAL = 8, /* bora bench takes several numbers, separated by commas: option_string() has them */
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
int options_read_config(struct options *, const char *path, char *err, size_t errlen); /* a missing file is fine */
int options_set(struct options *, enum option_id, const char *text, char *err, size_t errlen); /* /set and the like */
void options_unset(struct options *, enum option_id);    /* the built-in default holds again */
char **options_rest(const struct options *, int *count); /* words that are no options */

bool option_given(const struct options *, enum option_id); /* by anyone but the built-in default */
bool option_flag(const struct options *, enum option_id);
const char *option_string(const struct options *, enum option_id); /* NULL: none */
int64_t option_integer(const struct options *, enum option_id);
double option_real(const struct options *, enum option_id);
const char *const *option_list(const struct options *, enum option_id, int *count);

/* The model's recommendation with what the person asked for on top. */
struct engine_sampling options_sampling(const struct options *, const struct engine_sampling *recommended);
/* The system prompt: --system ("" for none), else the text of the role's file
 * (roles/NAME in the configuration folder), else the table's. NULL with err filled when the role is unknown.
 * Caller frees. */
char *options_system(const struct options *, char *err, size_t errlen);
void options_engine(const struct options *, struct engine_options *out); /* path is left to the caller */

#endif
