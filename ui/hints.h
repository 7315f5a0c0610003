/* hints.h: short hints that stop: each is shown three times at most, none once what it tells of was used. How often is
 * kept in a small file in the state folder. All functions take NULL: no hints. */
#ifndef HINTS_H
#define HINTS_H

#include "command.h"
#include "keys.h"

enum hint {
#define HINT(id, name, needs, action, command) HINT_##id,
#include "hints.def"
#undef HINT
	HINT_COUNT
};

enum { HINT_ANSWER = 1, HINT_CODE = 2 }; /* what there is to be told about */

struct hints;
struct hints *hints_open(const char *dir);
void hints_free(struct hints *);
/* The one to be shown if there is room; there: HINT_ bits. HINT_COUNT: none. */
enum hint hints_now(const struct hints *, unsigned there, int64_t now_ms);
const char *hints_message(enum hint); /* its key in the catalogues */
void hints_shown(struct hints *, enum hint, int64_t now_ms);
void hints_used(struct hints *, enum hint);
void hints_used_action(struct hints *, enum action);
void hints_used_command(struct hints *, enum command_id);

#endif
