/* tidy.h: what a role promises, whatever the model put around it. */
#ifndef TIDY_H
#define TIDY_H

#include "../role.h"

enum { TIDY_SUBJECT_CELLS = 72 };

/* ROLE_LINE: one line, without fence, label and quotation marks. ROLE_COMMIT: a subject of at most
 * TIDY_SUBJECT_CELLS cells and, behind an empty line, what else was said. No newline at the end. Caller frees. */
char *tidy_answer(const struct i18n *, enum role_output, const char *text, size_t len);

#endif
