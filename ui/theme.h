/* theme.h: what a style looks like, for terminals of 2^24, 256, 16, 8 and no colours. */
#ifndef THEME_H
#define THEME_H

#include "screen.h"

enum { THEME_BOLD = 1, THEME_DIM = 2, THEME_UNDERLINE = 4, THEME_REVERSE = 8, THEME_ITALIC = 16 };
enum { THEME_RGB = 1 << 24 };

struct look {
	int color;           /* of 256, or THEME_RGB | 0xRRGGBB; -1: the terminal's own foreground */
	int basic;           /* of 8, where there are no more; -1 likewise */
	int background;      /* as color; -1: the terminal's own */
	unsigned attributes; /* with colours */
	unsigned plain;      /* without */
};
struct theme {
	const char *name;
	bool colors; /* false: NO_COLOR, --no-color */
	bool bright; /* of 16 colours the bright ones are taken */
	struct look look[STYLE_COUNT];
};

/* By name ("default", "light", "dark", "contrast", "colorblind"); an unknown name is the
 * default. background: the terminal's, 0xRRGGBB, for which default becomes light or dark
 * and colorblind has variants; -1: not known. no_color, and NO_COLOR in the environment,
 * leave attributes alone. */
struct theme *theme_open(const char *name, int background, bool no_color);
void theme_free(struct theme *);
bool theme_is_colored(bool no_color); /* neither that nor NO_COLOR */
/* Changes single styles: "keyword=#c678dd+bold,comment=244+italic". 0, or -1 with
 * err filled; what stands before the mistake has been changed. */
int theme_set(struct theme *, const char *colors, char *err, size_t errlen);
/* On a terminal of so many colours: an index below 256, or from there on 0xRRGGBB where
 * there are more than 256; -1: the terminal's own. */
int theme_foreground(const struct theme *, enum style, int colors);
int theme_background(const struct theme *, enum style, int colors);
int theme_rgb(int color);                 /* 0xRRGGBB of a colour that is not -1 */
int theme_nearest(int color, int colors); /* the most similar of a terminal's 8, 16 or 256 colours */

#endif
