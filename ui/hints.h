/* hints.h: short hints that stop: each is shown three times at most, none once what it tells of was used. How often is
 * kept in a small file in the state folder. All functions take NULL: no hints. */
#ifndef HINTS_H
#define HINTS_H

#include "command.h"
#include "keys.h"

enum hint {
#define HINT(id, name, action, command) HINT_##id,
#include "hints.def"
#undef HINT
	HINT_COUNT
};

struct hints;
struct hints *hints_open(const char *dir);
void hints_free(struct hints *);
enum hint hints_now(const struct hints *, int64_t now_ms); /* to be shown if there is room; HINT_COUNT: none */
const char *hints_message(enum hint);                      /* its key in the catalogues */
void hints_shown(struct hints *, enum hint, int64_t now_ms);
void hints_used(struct hints *, enum hint);
void hints_used_action(struct hints *, enum action);
void hints_used_command(struct hints *, enum command_id);

#endif
