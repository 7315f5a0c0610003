/* formula.h: formulas in LaTeX's marks, \(…\), \[…\], $$…$$ and $…$, as plain text where latex.h can write
 * them so (x² ≤ a/b), else as they stand: Markdown would take their backslashes, stars and underscores for its own. */
#ifndef FORMULA_H
#define FORMULA_H

#include "../xmalloc.h"

#include <stdbool.h>

/* Replaces the formulas of a chunk of Markdown by text with a backslash before every sign. Code is left alone.
 * open: the text may grow; a formula without its end goes on to there. bidi: the rows are put in order here,
 * so formulas among right-to-left letters are fenced off. */
void formula_escape(struct buffer *text, bool open, bool bidi);

#endif
