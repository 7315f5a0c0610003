#include "theme.h"
#include "../xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define B THEME_BOLD
#define D THEME_DIM
#define U THEME_UNDERLINE
#define R THEME_REVERSE
#define I THEME_ITALIC

#define RGB(color) (THEME_RGB | (color))

/* The neutral ones are for terminals that do not tell their background: foreground and
 * background are the terminal's own, and the colours are as far from black as from white.
 * Those for a background keep 4.5 to 1 from any that is in wide use, the frame of code 2.8. */
static const struct theme themes[] = {
	{"default",
	 true,
	 false,
	 {
		 [STYLE_TEXT] = {-1, -1, -1, 0, 0},
		 [STYLE_USER] = {RGB(0x2878C5), 6, -1, B, B},
		 [STYLE_DIM] = {RGB(0x757575), -1, -1, 0, D},
		 [STYLE_TITLE] = {-1, -1, -1, R, R},
		 [STYLE_STATUS] = {RGB(0x757575), -1, -1, 0, D},
		 [STYLE_ACCENT] = {RGB(0x2878C5), 6, -1, 0, B},
		 [STYLE_ERROR] = {RGB(0xD9392E), 1, -1, B, B},
		 [STYLE_WARNING] = {RGB(0xAD6400), 3, -1, 0, B},
		 [STYLE_CODE] = {-1, -1, -1, 0, 0},
		 [STYLE_CODE_FRAME] = {RGB(0x757575), -1, -1, 0, D},
		 [STYLE_HEADING] = {RGB(0x2878C5), 6, -1, B, B},
		 [STYLE_STRONG] = {-1, -1, -1, B, B},
		 [STYLE_EMPHASIS] = {-1, -1, -1, I, U},
		 [STYLE_LINK] = {RGB(0x2878C5), 6, -1, U, U},
		 [STYLE_QUOTE] = {RGB(0x757575), -1, -1, 0, D},
		 [STYLE_SELECTED] = {-1, -1, -1, R, R},
		 [STYLE_MATCH] = {RGB(0x1A1A1A), 0, RGB(0xFFD75F), 0, R},
		 [STYLE_PROMPT] = {RGB(0x2878C5), 6, -1, B, B},
		 [STYLE_TOP_HEADING] = {RGB(0x2878C5), 6, -1, B | U, B | U},
		 [STYLE_INLINE_CODE] = {RGB(0x3A853A), 2, -1, 0, B},
		 [STYLE_BULLET] = {RGB(0x757575), -1, -1, 0, 0},
		 [STYLE_KEYWORD] = {RGB(0xA055C3), 5, -1, 0, B},
		 [STYLE_TYPE_NAME] = {RGB(0x008481), 6, -1, 0, 0},
		 [STYLE_STRING] = {RGB(0x3A853A), 2, -1, 0, 0},
		 [STYLE_COMMENT] = {RGB(0x757575), -1, -1, I, D},
		 [STYLE_NUMBER] = {RGB(0xAD6400), 3, -1, 0, 0},
		 [STYLE_FUNCTION] = {RGB(0x2878C5), 4, -1, 0, 0},
		 [STYLE_NAME] = {RGB(0x8D7324), 3, -1, 0, 0},
		 [STYLE_MACRO] = {RGB(0xC7467B), 5, -1, 0, B},
		 [STYLE_INSERTED] = {RGB(0x3A853A), 2, -1, 0, B},
		 [STYLE_DELETED] = {RGB(0xD9392E), 1, -1, 0, D},
	 }},
	{"light",
	 true,
	 false,
	 {
		 [STYLE_TEXT] = {-1, -1, -1, 0, 0},
		 [STYLE_USER] = {RGB(0x005FAE), 4, -1, B, B},
		 [STYLE_DIM] = {RGB(0x56606B), -1, -1, 0, D},
		 [STYLE_TITLE] = {RGB(0xFFFFFF), 0, RGB(0x1F5F99), B, R},
		 [STYLE_STATUS] = {RGB(0x56606B), -1, -1, 0, D},
		 [STYLE_ACCENT] = {RGB(0x005FAE), 4, -1, 0, B},
		 [STYLE_ERROR] = {RGB(0xB3261E), 1, -1, B, B},
		 [STYLE_WARNING] = {RGB(0x8A4B00), 3, -1, 0, B},
		 [STYLE_CODE] = {RGB(0x24292F), -1, -1, 0, 0},
		 [STYLE_CODE_FRAME] = {RGB(0x868F99), -1, -1, 0, D},
		 [STYLE_HEADING] = {RGB(0x0B57A4), 4, -1, B, B},
		 [STYLE_STRONG] = {-1, -1, -1, B, B},
		 [STYLE_EMPHASIS] = {-1, -1, -1, I, U},
		 [STYLE_LINK] = {RGB(0x0B57A4), 4, -1, U, U},
		 [STYLE_QUOTE] = {RGB(0x56606B), -1, -1, 0, D},
		 [STYLE_SELECTED] = {RGB(0xFFFFFF), 0, RGB(0x1F5F99), 0, R},
		 [STYLE_MATCH] = {RGB(0x1A1A1A), 0, RGB(0xFFE08A), 0, R},
		 [STYLE_PROMPT] = {RGB(0x005FAE), 4, -1, B, B},
		 [STYLE_TOP_HEADING] = {RGB(0x0B57A4), 4, -1, B | U, B | U},
		 [STYLE_INLINE_CODE] = {RGB(0x176A2C), 2, -1, 0, B},
		 [STYLE_BULLET] = {RGB(0x56606B), -1, -1, 0, 0},
		 [STYLE_KEYWORD] = {RGB(0x7B2D9B), 5, -1, 0, B},
		 [STYLE_TYPE_NAME] = {RGB(0x00666E), 6, -1, 0, 0},
		 [STYLE_STRING] = {RGB(0x176A2C), 2, -1, 0, 0},
		 [STYLE_COMMENT] = {RGB(0x5E6873), -1, -1, I, D},
		 [STYLE_NUMBER] = {RGB(0x9A4A00), 3, -1, 0, 0},
		 [STYLE_FUNCTION] = {RGB(0x0B57A4), 4, -1, 0, 0},
		 [STYLE_NAME] = {RGB(0x735008), 3, -1, 0, 0},
		 [STYLE_MACRO] = {RGB(0xA8175F), 5, -1, 0, B},
		 [STYLE_INSERTED] = {RGB(0x176A2C), 2, -1, 0, B},
		 [STYLE_DELETED] = {RGB(0xB3261E), 1, -1, 0, D},
	 }},
	{"dark",
	 true,
	 true,
	 {
		 [STYLE_TEXT] = {-1, -1, -1, 0, 0},
		 [STYLE_USER] = {RGB(0x6CC7F5), 6, -1, B, B},
		 [STYLE_DIM] = {RGB(0x9CA6B2), -1, -1, 0, D},
		 [STYLE_TITLE] = {RGB(0x10151C), 0, RGB(0x8AB4DE), B, R},
		 [STYLE_STATUS] = {RGB(0x9CA6B2), -1, -1, 0, D},
		 [STYLE_ACCENT] = {RGB(0x6CC7F5), 6, -1, 0, B},
		 [STYLE_ERROR] = {RGB(0xFF8F86), 1, -1, B, B},
		 [STYLE_WARNING] = {RGB(0xF7BD6E), 3, -1, 0, B},
		 [STYLE_CODE] = {RGB(0xD8DDE3), -1, -1, 0, 0},
		 [STYLE_CODE_FRAME] = {RGB(0x6F7A87), -1, -1, 0, D},
		 [STYLE_HEADING] = {RGB(0x82C8FF), 6, -1, B, B},
		 [STYLE_STRONG] = {-1, -1, -1, B, B},
		 [STYLE_EMPHASIS] = {-1, -1, -1, I, U},
		 [STYLE_LINK] = {RGB(0x82C8FF), 6, -1, U, U},
		 [STYLE_QUOTE] = {RGB(0x9CA6B2), -1, -1, 0, D},
		 [STYLE_SELECTED] = {RGB(0x10151C), 0, RGB(0x8AB4DE), 0, R},
		 [STYLE_MATCH] = {RGB(0x1A1A1A), 0, RGB(0xFFD75F), 0, R},
		 [STYLE_PROMPT] = {RGB(0x6CC7F5), 6, -1, B, B},
		 [STYLE_TOP_HEADING] = {RGB(0x82C8FF), 6, -1, B | U, B | U},
		 [STYLE_INLINE_CODE] = {RGB(0xAEDB95), 2, -1, 0, B},
		 [STYLE_BULLET] = {RGB(0x9CA6B2), -1, -1, 0, 0},
		 [STYLE_KEYWORD] = {RGB(0xD9A5F2), 5, -1, 0, B},
		 [STYLE_TYPE_NAME] = {RGB(0x62D4C9), 6, -1, 0, 0},
		 [STYLE_STRING] = {RGB(0xAEDB95), 2, -1, 0, 0},
		 [STYLE_COMMENT] = {RGB(0x98A2AF), -1, -1, I, D},
		 [STYLE_NUMBER] = {RGB(0xF7B06B), 3, -1, 0, 0},
		 [STYLE_FUNCTION] = {RGB(0x82C8FF), 4, -1, 0, 0},
		 [STYLE_NAME] = {RGB(0xECD08F), 3, -1, 0, 0},
		 [STYLE_MACRO] = {RGB(0xFF9DB0), 5, -1, 0, B},
		 [STYLE_INSERTED] = {RGB(0x86D992), 2, -1, 0, B},
		 [STYLE_DELETED] = {RGB(0xFF8F86), 1, -1, 0, D},
	 }},
	{"contrast",
	 true,
	 false,
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
		 [STYLE_KEYWORD] = {-1, -1, -1, B, B},
		 [STYLE_TYPE_NAME] = {-1, -1, -1, B | I, B},
		 [STYLE_STRING] = {-1, -1, -1, U, U},
		 [STYLE_COMMENT] = {-1, -1, -1, I, D},
		 [STYLE_NUMBER] = {-1, -1, -1, B | U, B | U},
		 [STYLE_FUNCTION] = {-1, -1, -1, 0, 0},
		 [STYLE_NAME] = {-1, -1, -1, 0, 0},
		 [STYLE_MACRO] = {-1, -1, -1, B, B},
		 [STYLE_INSERTED] = {-1, -1, -1, B, B},
		 [STYLE_DELETED] = {-1, -1, -1, R, R},
	 }},
	/* Okabe and Ito's palette: apart for every kind of colour vision. */
	{"colorblind",
	 true,
	 false,
	 {
		 [STYLE_TEXT] = {-1, -1, -1, 0, 0},
		 [STYLE_USER] = {RGB(0x007BC1), 6, -1, B, B},
		 [STYLE_DIM] = {RGB(0x757575), -1, -1, 0, D},
		 [STYLE_TITLE] = {-1, -1, -1, R, R},
		 [STYLE_STATUS] = {RGB(0x757575), -1, -1, 0, D},
		 [STYLE_ACCENT] = {RGB(0x007BC1), 6, -1, 0, B},
		 [STYLE_ERROR] = {RGB(0xC45300), 1, -1, B | R, B | R},
		 [STYLE_WARNING] = {RGB(0xA06B00), 3, -1, B, B},
		 [STYLE_CODE] = {-1, -1, -1, 0, 0},
		 [STYLE_CODE_FRAME] = {RGB(0x757575), -1, -1, 0, D},
		 [STYLE_HEADING] = {RGB(0x007BC1), 6, -1, B, B},
		 [STYLE_STRONG] = {-1, -1, -1, B, B},
		 [STYLE_EMPHASIS] = {-1, -1, -1, I, U},
		 [STYLE_LINK] = {RGB(0x007BC1), 6, -1, U, U},
		 [STYLE_QUOTE] = {RGB(0x757575), -1, -1, 0, D},
		 [STYLE_SELECTED] = {-1, -1, -1, R, R},
		 [STYLE_MATCH] = {RGB(0x1A1A1A), 0, RGB(0xFFD75F), 0, R},
		 [STYLE_PROMPT] = {RGB(0x007BC1), 6, -1, B, B},
		 [STYLE_TOP_HEADING] = {RGB(0x007BC1), 6, -1, B | U, B | U},
		 [STYLE_INLINE_CODE] = {RGB(0x00865E), 2, -1, 0, B},
		 [STYLE_BULLET] = {RGB(0x757575), -1, -1, 0, 0},
		 [STYLE_KEYWORD] = {RGB(0x007BC1), 4, -1, B, B},
		 [STYLE_TYPE_NAME] = {RGB(0x00865E), 6, -1, 0, 0},
		 [STYLE_STRING] = {RGB(0xA06B00), 3, -1, 0, 0},
		 [STYLE_COMMENT] = {RGB(0x757575), -1, -1, I, D},
		 [STYLE_NUMBER] = {RGB(0xB1578B), 5, -1, 0, 0},
		 [STYLE_FUNCTION] = {RGB(0x367CAA), 6, -1, 0, 0},
		 [STYLE_NAME] = {RGB(0xC45300), 1, -1, 0, 0},
		 [STYLE_MACRO] = {RGB(0xB1578B), 5, -1, B, B},
		 [STYLE_INSERTED] = {RGB(0x007BC1), 4, -1, B, B},
		 [STYLE_DELETED] = {RGB(0xC45300), 3, -1, U, D},
	 }},
	{"colorblind-light",
	 true,
	 false,
	 {
		 [STYLE_TEXT] = {-1, -1, -1, 0, 0},
		 [STYLE_USER] = {RGB(0x005F96), 4, -1, B, B},
		 [STYLE_DIM] = {RGB(0x56606B), -1, -1, 0, D},
		 [STYLE_TITLE] = {RGB(0xFFFFFF), 0, RGB(0x1F5F99), B, R},
		 [STYLE_STATUS] = {RGB(0x56606B), -1, -1, 0, D},
		 [STYLE_ACCENT] = {RGB(0x005F96), 4, -1, 0, B},
		 [STYLE_ERROR] = {RGB(0xA82C00), 1, -1, B | R, B | R},
		 [STYLE_WARNING] = {RGB(0x855600), 3, -1, B, B},
		 [STYLE_CODE] = {RGB(0x24292F), -1, -1, 0, 0},
		 [STYLE_CODE_FRAME] = {RGB(0x868F99), -1, -1, 0, D},
		 [STYLE_HEADING] = {RGB(0x005F96), 4, -1, B, B},
		 [STYLE_STRONG] = {-1, -1, -1, B, B},
		 [STYLE_EMPHASIS] = {-1, -1, -1, I, U},
		 [STYLE_LINK] = {RGB(0x005F96), 4, -1, U, U},
		 [STYLE_QUOTE] = {RGB(0x56606B), -1, -1, 0, D},
		 [STYLE_SELECTED] = {RGB(0xFFFFFF), 0, RGB(0x1F5F99), 0, R},
		 [STYLE_MATCH] = {RGB(0x1A1A1A), 0, RGB(0xFFE08A), 0, R},
		 [STYLE_PROMPT] = {RGB(0x005F96), 4, -1, B, B},
		 [STYLE_TOP_HEADING] = {RGB(0x005F96), 4, -1, B | U, B | U},
		 [STYLE_INLINE_CODE] = {RGB(0x00674B), 2, -1, 0, B},
		 [STYLE_BULLET] = {RGB(0x56606B), -1, -1, 0, 0},
		 [STYLE_KEYWORD] = {RGB(0x005F96), 4, -1, B, B},
		 [STYLE_TYPE_NAME] = {RGB(0x00674B), 6, -1, 0, 0},
		 [STYLE_STRING] = {RGB(0x855600), 3, -1, 0, 0},
		 [STYLE_COMMENT] = {RGB(0x5E6873), -1, -1, I, D},
		 [STYLE_NUMBER] = {RGB(0x94396D), 5, -1, 0, 0},
		 [STYLE_FUNCTION] = {RGB(0x1268A3), 6, -1, 0, 0},
		 [STYLE_NAME] = {RGB(0xA82C00), 1, -1, 0, 0},
		 [STYLE_MACRO] = {RGB(0x94396D), 5, -1, B, B},
		 [STYLE_INSERTED] = {RGB(0x005F96), 4, -1, B, B},
		 [STYLE_DELETED] = {RGB(0xA82C00), 3, -1, U, D},
	 }},
	{"colorblind-dark",
	 true,
	 true,
	 {
		 [STYLE_TEXT] = {-1, -1, -1, 0, 0},
		 [STYLE_USER] = {RGB(0x62B8EA), 6, -1, B, B},
		 [STYLE_DIM] = {RGB(0x9CA6B2), -1, -1, 0, D},
		 [STYLE_TITLE] = {RGB(0x10151C), 0, RGB(0x8AB4DE), B, R},
		 [STYLE_STATUS] = {RGB(0x9CA6B2), -1, -1, 0, D},
		 [STYLE_ACCENT] = {RGB(0x62B8EA), 6, -1, 0, B},
		 [STYLE_ERROR] = {RGB(0xFF9055), 1, -1, B | R, B | R},
		 [STYLE_WARNING] = {RGB(0xF2B134), 3, -1, B, B},
		 [STYLE_CODE] = {RGB(0xD8DDE3), -1, -1, 0, 0},
		 [STYLE_CODE_FRAME] = {RGB(0x6F7A87), -1, -1, 0, D},
		 [STYLE_HEADING] = {RGB(0x9CD3F5), 6, -1, B, B},
		 [STYLE_STRONG] = {-1, -1, -1, B, B},
		 [STYLE_EMPHASIS] = {-1, -1, -1, I, U},
		 [STYLE_LINK] = {RGB(0x9CD3F5), 6, -1, U, U},
		 [STYLE_QUOTE] = {RGB(0x9CA6B2), -1, -1, 0, D},
		 [STYLE_SELECTED] = {RGB(0x10151C), 0, RGB(0x8AB4DE), 0, R},
		 [STYLE_MATCH] = {RGB(0x1A1A1A), 0, RGB(0xFFD75F), 0, R},
		 [STYLE_PROMPT] = {RGB(0x62B8EA), 6, -1, B, B},
		 [STYLE_TOP_HEADING] = {RGB(0x9CD3F5), 6, -1, B | U, B | U},
		 [STYLE_INLINE_CODE] = {RGB(0x35C8A0), 2, -1, 0, B},
		 [STYLE_BULLET] = {RGB(0x9CA6B2), -1, -1, 0, 0},
		 [STYLE_KEYWORD] = {RGB(0x62B8EA), 4, -1, B, B},
		 [STYLE_TYPE_NAME] = {RGB(0x35C8A0), 6, -1, 0, 0},
		 [STYLE_STRING] = {RGB(0xF2B134), 3, -1, 0, 0},
		 [STYLE_COMMENT] = {RGB(0x98A2AF), -1, -1, I, D},
		 [STYLE_NUMBER] = {RGB(0xE6A3C9), 5, -1, 0, 0},
		 [STYLE_FUNCTION] = {RGB(0x9CD3F5), 6, -1, 0, 0},
		 [STYLE_NAME] = {RGB(0xF0E442), 1, -1, 0, 0},
		 [STYLE_MACRO] = {RGB(0xE6A3C9), 5, -1, B, B},
		 [STYLE_INSERTED] = {RGB(0x62B8EA), 4, -1, B, B},
		 [STYLE_DELETED] = {RGB(0xFF9055), 3, -1, U, D},
	 }},
};

static const struct theme *named(const char *name)
{
	for (size_t i = 0; name && i < sizeof(themes) / sizeof(*themes); i++)
		if (strcmp(themes[i].name, name) == 0)
			return &themes[i];
	return NULL;
}

/* Halfway between black and white as people see it. */
static bool is_light(int background)
{
	enum { HALF = 128 };
	return ((background >> 16 & 255) * 3 + (background >> 8 & 255) * 6 + (background & 255)) / 10 >= HALF;
}

static const struct theme *chosen(const char *name, int background)
{
	char variant[32];
	const char *suffix = background < 0 ? NULL : is_light(background) ? "light" : "dark";
	const struct theme *plain = named(name) ? named(name) : &themes[0], *found = NULL;
	if (suffix && plain == &themes[0]) {
		found = named(suffix);
	} else if (suffix) {
		snprintf(variant, sizeof(variant), "%s-%s", plain->name, suffix);
		found = named(variant);
	}
	return found ? found : plain;
}

bool theme_is_colored(bool no_color)
{
	const char *environment = getenv("NO_COLOR");
	return !no_color && !(environment && *environment);
}

struct theme *theme_open(const char *name, int background, bool no_color)
{
	struct theme *theme = xmalloc(sizeof(*theme));
	*theme = *chosen(name, background);
	theme->colors = theme->colors && theme_is_colored(no_color);
	return theme;
}

void theme_free(struct theme *theme)
{
	free(theme);
}

/* --- A person's own ------------------------------------------------------------------- */

static const char *const names[STYLE_COUNT] = {
	[STYLE_TEXT] = "text",
	[STYLE_USER] = "user",
	[STYLE_DIM] = "dim",
	[STYLE_TITLE] = "title",
	[STYLE_STATUS] = "status",
	[STYLE_ACCENT] = "accent",
	[STYLE_ERROR] = "error",
	[STYLE_WARNING] = "warning",
	[STYLE_CODE] = "code",
	[STYLE_CODE_FRAME] = "frame",
	[STYLE_HEADING] = "heading",
	[STYLE_STRONG] = "strong",
	[STYLE_EMPHASIS] = "emphasis",
	[STYLE_LINK] = "link",
	[STYLE_QUOTE] = "quote",
	[STYLE_SELECTED] = "selected",
	[STYLE_MATCH] = "match",
	[STYLE_PROMPT] = "prompt",
	[STYLE_TOP_HEADING] = "title-heading",
	[STYLE_INLINE_CODE] = "inline-code",
	[STYLE_BULLET] = "bullet",
	[STYLE_KEYWORD] = "keyword",
	[STYLE_TYPE_NAME] = "type",
	[STYLE_STRING] = "string",
	[STYLE_COMMENT] = "comment",
	[STYLE_NUMBER] = "number",
	[STYLE_FUNCTION] = "function",
	[STYLE_NAME] = "name",
	[STYLE_MACRO] = "macro",
	[STYLE_INSERTED] = "inserted",
	[STYLE_DELETED] = "deleted",
};

static int distance(int a, int b)
{
	int r = (a >> 16 & 255) - (b >> 16 & 255), g = (a >> 8 & 255) - (b >> 8 & 255), blue = (a & 255) - (b & 255);
	return 3 * r * r + 6 * g * g + blue * blue;
}

int theme_rgb(int color)
{
	static const int basic[] = {0x000000, 0x800000, 0x008000, 0x808000, 0x000080, 0x800080, 0x008080, 0xC0C0C0,
				    0x808080, 0xFF0000, 0x00FF00, 0xFFFF00, 0x0000FF, 0xFF00FF, 0x00FFFF, 0xFFFFFF};
	static const int steps[] = {0, 95, 135, 175, 215, 255};
	if (color & THEME_RGB)
		return color & 0xFFFFFF;
	if (color < 16)
		return basic[color > 0 ? color : 0];
	if (color >= 232)
		return (8 + (color - 232) * 10) * 0x010101;
	color -= 16;
	return steps[color / 36] << 16 | steps[color / 6 % 6] << 8 | steps[color % 6];
}

/* Of a terminal that has 256 or more. */
static int color_of_many(int color, int colors)
{
	enum { FIRST_RGB = 256 };
	if (colors <= 256 || color < 0 || !(color & THEME_RGB))
		return theme_nearest(color, 256);
	int rgb = theme_rgb(color);
	return rgb < FIRST_RGB ? rgb | FIRST_RGB : rgb; /* less than that is an index */
}

int theme_foreground(const struct theme *theme, enum style style, int colors)
{
	enum { FIRST_BRIGHT = 8 };
	const struct look *look = &theme->look[style];
	if (colors >= 256)
		return color_of_many(look->color, colors);
	return look->basic + (theme->bright && colors >= 16 && look->basic > 0 ? FIRST_BRIGHT : 0);
}

/* White stands for every background. */
int theme_background(const struct theme *theme, enum style style, int colors)
{
	enum { BASIC_WHITE = 7 };
	int background = theme->look[style].background;
	return background < 0 || colors >= 256 ? color_of_many(background, colors) : BASIC_WHITE;
}

int theme_nearest(int color, int colors)
{
	int rgb, best = 0, first = colors >= 256 ? 16 : 0, last = colors >= 256 ? 256 : colors >= 16 ? 16 : 8;
	if (color < 0 || (!(color & THEME_RGB) && color < colors))
		return color;
	rgb = theme_rgb(color);
	for (int i = first, nearest = -1; i < last; i++) {
		int d = distance(rgb, theme_rgb(i));
		if (nearest < 0 || d < nearest)
			nearest = d, best = i;
	}
	return best;
}

/* "75", "#ff8800" or "default"; -2: none of them. */
static int parse_color(const char *word, size_t len)
{
	char text[16], *end;
	if (len == 7 && word[0] == '#') {
		snprintf(text, sizeof(text), "%.6s", word + 1);
		long rgb = strtol(text, &end, 16);
		return *end || strspn(text, "0123456789abcdefABCDEF") != 6 ? -2 : (int)rgb | THEME_RGB;
	}
	if (len == 7 && memcmp(word, "default", 7) == 0)
		return -1;
	if (len == 0 || len > 3 || strspn(word, "0123456789") < len)
		return -2;
	int index = atoi(word);
	return index < 256 ? index : -2;
}

static bool parse_look(const char *value, size_t len, struct look *look)
{
	static const struct {
		const char *name;
		unsigned bit;
	} attributes[] = {{"bold", B}, {"dim", D}, {"underline", U}, {"reverse", R}, {"italic", I}};
	look->attributes = 0;
	while (len) {
		size_t word = 0;
		while (word < len && value[word] != '+')
			word++;
		bool known = false;
		for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
			if (strlen(attributes[i].name) == word && memcmp(attributes[i].name, value, word) == 0)
				look->attributes |= attributes[i].bit, known = true;
		if (!known) {
			int color = parse_color(value, word);
			if (color == -2)
				return false;
			look->color = color;
			look->basic = (short)(color < 0 ? -1 : theme_nearest(color, 8));
		}
		value += word + (word < len);
		len -= word + (word < len);
	}
	look->plain = look->attributes;
	return true;
}

int theme_set(struct theme *theme, const char *colors, char *err, size_t errlen)
{
	while (*colors) {
		size_t len = strcspn(colors, ","), name = strcspn(colors, "=");
		int style = 0;
		while (name < len && style < STYLE_COUNT &&
		       (strlen(names[style]) != name || memcmp(names[style], colors, name) != 0))
			style++;
		if (name >= len || style == STYLE_COUNT ||
		    !parse_look(colors + name + 1, len - name - 1, &theme->look[style])) {
			snprintf(err, errlen,
				 "colors: '%.*s' is not NAME=COLOR, such as keyword=#c678dd+bold or comment=244",
				 (int)len, colors);
			return -1;
		}
		colors += len + (colors[len] == ',');
	}
	return 0;
}
