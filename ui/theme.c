#include "theme.h"
#include "../xmalloc.h"

#include <stdlib.h>
#include <string.h>

#define B THEME_BOLD
#define D THEME_DIM
#define U THEME_UNDERLINE
#define R THEME_REVERSE
#define I THEME_ITALIC

/* The default leaves foreground and background to the terminal and takes only
 * colours that are legible on both. */
static const struct theme themes[] = {
	{"default",
	 true,
	 {
		 [STYLE_TEXT] = {-1, -1, -1, 0, 0},
		 [STYLE_USER] = {32, 6, -1, B, B},
		 [STYLE_DIM] = {245, -1, -1, 0, D},
		 [STYLE_TITLE] = {-1, -1, -1, R, R},
		 [STYLE_STATUS] = {245, -1, -1, 0, D},
		 [STYLE_ACCENT] = {32, 6, -1, 0, B},
		 [STYLE_ERROR] = {160, 1, -1, B, B},
		 [STYLE_WARNING] = {172, 3, -1, 0, B},
		 [STYLE_CODE] = {-1, -1, -1, 0, 0},
		 [STYLE_CODE_FRAME] = {245, -1, -1, 0, D},
		 [STYLE_HEADING] = {32, 6, -1, B, B},
		 [STYLE_STRONG] = {-1, -1, -1, B, B},
		 [STYLE_EMPHASIS] = {-1, -1, -1, I, U},
		 [STYLE_LINK] = {32, 6, -1, U, U},
		 [STYLE_QUOTE] = {245, -1, -1, 0, D},
		 [STYLE_SELECTED] = {-1, -1, -1, R, R},
		 [STYLE_MATCH] = {0, 0, 220, 0, R},
		 [STYLE_PROMPT] = {32, 6, -1, B, B},
		 [STYLE_TOP_HEADING] = {32, 6, -1, B | U, B | U},
		 [STYLE_INLINE_CODE] = {71, 2, -1, 0, B},
		 [STYLE_BULLET] = {245, -1, -1, 0, 0},
	 }},
	{"light",
	 true,
	 {
		 [STYLE_TEXT] = {-1, -1, -1, 0, 0},
		 [STYLE_USER] = {25, 4, -1, B, B},
		 [STYLE_DIM] = {240, -1, -1, 0, D},
		 [STYLE_TITLE] = {255, 0, 25, B, R},
		 [STYLE_STATUS] = {240, -1, -1, 0, D},
		 [STYLE_ACCENT] = {25, 4, -1, 0, B},
		 [STYLE_ERROR] = {124, 1, -1, B, B},
		 [STYLE_WARNING] = {130, 3, -1, 0, B},
		 [STYLE_CODE] = {236, -1, -1, 0, 0},
		 [STYLE_CODE_FRAME] = {244, -1, -1, 0, D},
		 [STYLE_HEADING] = {25, 4, -1, B, B},
		 [STYLE_STRONG] = {-1, -1, -1, B, B},
		 [STYLE_EMPHASIS] = {-1, -1, -1, I, U},
		 [STYLE_LINK] = {25, 4, -1, U, U},
		 [STYLE_QUOTE] = {240, -1, -1, 0, D},
		 [STYLE_SELECTED] = {255, 0, 25, 0, R},
		 [STYLE_MATCH] = {16, 0, 222, 0, R},
		 [STYLE_PROMPT] = {25, 4, -1, B, B},
		 [STYLE_TOP_HEADING] = {25, 4, -1, B | U, B | U},
		 [STYLE_INLINE_CODE] = {28, 2, -1, 0, B},
		 [STYLE_BULLET] = {240, -1, -1, 0, 0},
	 }},
	{"dark",
	 true,
	 {
		 [STYLE_TEXT] = {-1, -1, -1, 0, 0},
		 [STYLE_USER] = {81, 6, -1, B, B},
		 [STYLE_DIM] = {246, -1, -1, 0, D},
		 [STYLE_TITLE] = {16, 0, 110, B, R},
		 [STYLE_STATUS] = {246, -1, -1, 0, D},
		 [STYLE_ACCENT] = {81, 6, -1, 0, B},
		 [STYLE_ERROR] = {203, 1, -1, B, B},
		 [STYLE_WARNING] = {215, 3, -1, 0, B},
		 [STYLE_CODE] = {252, -1, -1, 0, 0},
		 [STYLE_CODE_FRAME] = {241, -1, -1, 0, D},
		 [STYLE_HEADING] = {117, 6, -1, B, B},
		 [STYLE_STRONG] = {-1, -1, -1, B, B},
		 [STYLE_EMPHASIS] = {-1, -1, -1, I, U},
		 [STYLE_LINK] = {117, 6, -1, U, U},
		 [STYLE_QUOTE] = {246, -1, -1, 0, D},
		 [STYLE_SELECTED] = {16, 0, 110, 0, R},
		 [STYLE_MATCH] = {16, 0, 221, 0, R},
		 [STYLE_PROMPT] = {81, 6, -1, B, B},
		 [STYLE_TOP_HEADING] = {117, 6, -1, B | U, B | U},
		 [STYLE_INLINE_CODE] = {150, 2, -1, 0, B},
		 [STYLE_BULLET] = {246, -1, -1, 0, 0},
	 }},
	{"contrast",
	 true,
	 {
		 [STYLE_TEXT] = {-1, -1, -1, 0, 0},
		 [STYLE_USER] = {-1, -1, -1, B | U, B | U},
		 [STYLE_DIM] = {-1, -1, -1, 0, 0},
		 [STYLE_TITLE] = {-1, -1, -1, R | B, R | B},
		 [STYLE_STATUS] = {-1, -1, -1, B, B},
		 [STYLE_ACCENT] = {-1, -1, -1, B, B},
		 [STYLE_ERROR] = {-1, -1, -1, R | B, R | B},
		 [STYLE_WARNING] = {-1, -1, -1, B | U, B | U},
		 [STYLE_CODE] = {-1, -1, -1, 0, 0},
		 [STYLE_CODE_FRAME] = {-1, -1, -1, B, B},
		 [STYLE_HEADING] = {-1, -1, -1, B | U, B | U},
		 [STYLE_STRONG] = {-1, -1, -1, B, B},
		 [STYLE_EMPHASIS] = {-1, -1, -1, U, U},
		 [STYLE_LINK] = {-1, -1, -1, U, U},
		 [STYLE_QUOTE] = {-1, -1, -1, 0, 0},
		 [STYLE_SELECTED] = {-1, -1, -1, R | B, R | B},
		 [STYLE_MATCH] = {-1, -1, -1, R, R},
		 [STYLE_PROMPT] = {-1, -1, -1, B, B},
		 [STYLE_TOP_HEADING] = {-1, -1, -1, B | U, B | U},
		 [STYLE_INLINE_CODE] = {-1, -1, -1, B, B},
		 [STYLE_BULLET] = {-1, -1, -1, B, 0},
	 }},
};

struct theme *theme_open(const char *name, bool no_color)
{
	const char *environment = getenv("NO_COLOR");
	struct theme *theme = xmalloc(sizeof(*theme));
	*theme = themes[0];
	for (size_t i = 0; name && i < sizeof(themes) / sizeof(*themes); i++)
		if (strcmp(themes[i].name, name) == 0)
			*theme = themes[i];
	if (no_color || (environment && *environment))
		theme->colors = false;
	return theme;
}

void theme_free(struct theme *theme)
{
	free(theme);
}
