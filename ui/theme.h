/* theme.h: what a style looks like, for terminals of 256, 8 and no colours. */
#ifndef THEME_H
#define THEME_H

#include "screen.h"

enum { THEME_BOLD = 1, THEME_DIM = 2, THEME_UNDERLINE = 4, THEME_REVERSE = 8, THEME_ITALIC = 16 };
enum { THEME_BASIC_BACKGROUND = 7 }; /* of 8: stands for every background of 256 */

struct look {
	short color;         /* of 256; -1: the terminal's own foreground */
	short basic;         /* of 8, where there are no more; -1 likewise */
	short background;    /* of 256; -1: the terminal's own */
	unsigned attributes; /* with colours */
	unsigned plain;      /* without */
};
struct theme {
	const char *name;
	bool colors; /* false: NO_COLOR, --no-color */
	struct look look[STYLE_COUNT];
};

/* By name ("default", "light", "dark", "contrast"); an unknown name is the
 * default. no_color, and NO_COLOR in the environment, leave attributes alone. */
struct theme *theme_open(const char *name, bool no_color);
void theme_free(struct theme *);

#endif
