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

/* ICU keeps the length: beside a lam-alef it leaves a space, which may be on
 * either side of it. The lam's place gets the ligature, the alef's is merged. */
void shape_arabic(UChar *letters, int count, bool *merged)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar *shaped = xcalloc((size_t)count + 1, sizeof(*shaped));
	int32_t written =
		u_shapeArabic(letters, count, shaped, count + 1,
			      U_SHAPE_LETTERS_SHAPE | U_SHAPE_TEXT_DIRECTION_LOGICAL | U_SHAPE_LAMALEF_NEAR, &status);
	if (U_SUCCESS(status) && written == count) {
		for (int i = 0; i < count; i++) {
			bool pair = i + 1 < count && letters[i] == 0x0644 && is_alef(letters[i + 1]);
			if (pair && (is_lam_alef(shaped[i]) || is_lam_alef(shaped[i + 1]))) {
				letters[i] = is_lam_alef(shaped[i]) ? shaped[i] : shaped[i + 1];
				merged[++i] = true;
			} else {
				letters[i] = shaped[i];
			}
		}
	}
	free(shaped);
}
