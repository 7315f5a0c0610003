/* help.h: keys and commands on one scrolling page, from their tables. */
#ifndef HELP_H
#define HELP_H

#include "keys.h"
#include "screen.h"
#include "../i18n/i18n.h"

struct help;
struct help *help_create(const struct i18n *, enum i18n_bidi);
void help_free(struct help *);
bool help_key(struct help *, const struct key *); /* scrolls; false: any other key closes it */
void help_draw(struct help *, struct screen *, int first, int height);

#endif
