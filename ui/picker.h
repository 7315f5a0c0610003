/* picker.h: a list to choose from; typing filters it, in any script. */
#ifndef PICKER_H
#define PICKER_H

#include "keys.h"
#include "screen.h"
#include "../i18n/i18n.h"

struct picker;
enum picker_result { PICKER_OPEN, PICKER_CHOSEN, PICKER_CLOSED };

struct picker *picker_create(const struct i18n *, const char *title);
void picker_free(struct picker *);
/* What an item is filled with when it is first drawn, and what a filter finds besides labels. */
struct picker_source {
	void *arg;
	char *(*detail)(void *arg, int item);                             /* for the right side; caller frees */
	void (*preview)(void *arg, int item, char **above, char **below); /* two lines; caller frees */
	void (*filter)(void *arg, const char *words, bool *found);        /* sets found[item] of what matches */
};
void picker_source(struct picker *, const struct picker_source *);
void picker_add(struct picker *, const char *label, const char *detail); /* copied; detail stands on the right */
void picker_set(struct picker *, int item, const char *label, const char *detail); /* anew; stays in its place */
enum picker_result picker_key(struct picker *, const struct key *);
int picker_chosen(const struct picker *); /* number of the item, in the order of adding; -1: none */
void picker_draw(struct picker *, struct screen *, int first, int height);
bool picker_caret(const struct picker *, int *row, int *column); /* where the filter was drawn to; false: it was not */

#endif
