/* latex.h: LaTeX's mathematics in plain text: \frac{a}{b} \leq x^2 as a/b ≤ x².
 *
 * For the short formulas of an answer, on one row each: what needs a picture of several rows (matrices,
 * cases, commands that latex.def has not) is not changed. */
#ifndef LATEX_H
#define LATEX_H

#include "../xmalloc.h"

#include <stdbool.h>

/* Appends the formula (without its marks) as text to out, rows of an aligned one separated by newlines.
 * open: it may go on, so what is half-written at its end is closed or left out.
 * false: it cannot be written so; out is as before. */
bool latex_to_text(const char *latex, size_t len, bool open, struct buffer *out);

#endif
