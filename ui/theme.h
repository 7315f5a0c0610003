/* theme.h: what a style looks like, for terminals of many, 256, 16, 8 and no colours. */
#ifndef THEME_H
#define THEME_H

#include "screen.h"

enum { THEME_BOLD = 1, THEME_DIM = 2, THEME_UNDERLINE = 4, THEME_REVERSE = 8, THEME_ITALIC = 16 };
enum { THEME_RGB = 1 << 24 };
enum { THEME_BASIC_BACKGROUND = 7 }; /* of 8: stands for every background of 256 */

struct look {
	int color;           /* of 256, or THEME_RGB | 0xRRGGBB; -1: the terminal's own foreground */
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

/* By name ("default", "light", "dark", "contrast", "colorblind"); an unknown name is the
 * default. no_color, and NO_COLOR in the environment, leave attributes alone. */
struct theme *theme_open(const char *name, bool no_color);
void theme_free(struct theme *);
/* Changes single styles: "keyword=#c678dd+bold,comment=244+italic". 0, or -1 with
 * err filled; what stands before the mistake has been changed. */
int theme_set(struct theme *, const char *colors, char *err, size_t errlen);
int theme_rgb(int color);                 /* 0xRRGGBB of a colour that is not -1 */
int theme_nearest(int color, int colors); /* the most similar of a terminal's 8, 16 or 256 colours */

#endif
