/* shape.h: Arabic joining by presentation forms; for this folder alone. */
#ifndef SHAPE_H
#define SHAPE_H

#include <stdbool.h>
#include <stdint.h>
#include <unicode/utypes.h>

/* letters: the bases of a paragraph's clusters in logical order, others as any
 * non-joining character; replaced by their joined forms. merged[i] is set where
 * an alef has become part of the lam-alef before it. */
void shape_arabic(UChar *letters, int count, bool *merged);

#endif
