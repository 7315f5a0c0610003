/* formula.h: formulas in LaTeX's marks, \(…\), \[…\] and $$…$$, stay as they were written:
 * Markdown would take their backslashes, stars and underscores for its own. */
#ifndef FORMULA_H
#define FORMULA_H

#include "../xmalloc.h"

#include <stdbool.h>

/* Puts a backslash before every sign in the formulas of a chunk of Markdown, so that what is shown is
 * the source. Code is left alone. open: the text may grow; a formula without its end goes on to there. */
void formula_escape(struct buffer *text, bool open);

#endif
