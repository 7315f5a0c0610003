/* status_bar.h: the title row, the status row and the row that says what is being waited for. */
#ifndef STATUS_BAR_H
#define STATUS_BAR_H

#include "screen.h"
#include "../i18n/i18n.h"

struct status_bar {
	const char *model;              /* its name */
	const char *title;              /* the conversation's, "" none */
	int context_used, context_size; /* tokens; size 0: not known yet */
	double per_second;              /* tokens of the answer, 0: none yet */
	int64_t saved_at;               /* seconds since 1970, 0: nothing stored yet */
	bool unsaved;                   /* something could not be stored */
};

struct status_progress {
	bool loading;         /* of the model; else of the prompt */
	uint64_t done, total; /* bytes or tokens */
	uint64_t cached;      /* tokens that needed no reading */
	double seconds;       /* since it began */
};

void status_bar_title(struct screen *, const struct i18n *, int row, const struct status_bar *);
void status_bar_draw(struct screen *, const struct i18n *, int row, const struct status_bar *);
void status_bar_progress(struct screen *, const struct i18n *, int row, const struct status_progress *);

#endif
