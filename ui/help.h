/* help.h: the keys that hold where one is, then all keys and commands, on one scrolling page, from their tables. */
#ifndef HELP_H
#define HELP_H

#include "keys.h"
#include "screen.h"
#include "../i18n/i18n.h"

/* Where one is when one asks. */
enum help_place {
	HELP_CHAT = 0,
	HELP_LIST = 1,
	HELP_SETTINGS = 2,
	HELP_FIND = 4,
	HELP_SELECT = 8,
	HELP_ANSWER = 16 /* one is being written */
};

struct help;
struct help *help_create(const struct i18n *, enum help_place); /* the keys of the place come first */
void help_free(struct help *);
bool help_key(struct help *, const struct key *); /* scrolls; false: any other key closes it */
void help_draw(struct help *, struct screen *, int first, int height);

#endif
