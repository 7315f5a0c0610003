/* model_list.h: what a row of the list of models says. */
#ifndef MODEL_LIST_H
#define MODEL_LIST_H

#include "../model_store.h"
#include "../options.h"

/* All three: caller frees. */
char *model_list_label(const struct stored_model *, bool in_use);
char *model_list_detail(const struct i18n *, const struct stored_model *); /* size, whose, how fast; too large or not */
/* Two lines, after a look into the file: what it is; the memory that it needs and whether that is there. */
void model_list_preview(const struct i18n *, const struct options *, const struct stored_model *, char **above,
			char **below);

#endif
