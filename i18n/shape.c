#include "shape.h"

#include "../xmalloc.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ushape.h>

static bool is_alef(UChar c)
{
	return c == 0x0622 || c == 0x0623 || c == 0x0625 || c == 0x0627;
}

static bool is_lam_alef(UChar c)
{
	return c >= 0xFEF5 && c <= 0xFEFC;
}

/* A lam-alef comes out as one letter: the lam's place gets it, the alef's is merged. */
void shape_arabic(UChar *letters, int count, bool *merged)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar *shaped = xcalloc((size_t)count + 1, sizeof(*shaped));
	int32_t written = u_shapeArabic(
		letters, count, shaped, count + 1,
		U_SHAPE_LETTERS_SHAPE | U_SHAPE_TEXT_DIRECTION_LOGICAL | U_SHAPE_LENGTH_GROW_SHRINK, &status);
	int from = 0;
	for (int i = 0; U_SUCCESS(status) && i < count && from < written; i++, from++) {
		bool pair =
			i + 1 < count && letters[i] == 0x0644 && is_alef(letters[i + 1]) && is_lam_alef(shaped[from]);
		letters[i] = shaped[from];
		if (pair)
			merged[++i] = true;
	}
	free(shaped);
}
