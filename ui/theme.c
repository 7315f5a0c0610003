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
		 [STYLE_KEYWORD] = {133, 5, -1, 0, B},
		 [STYLE_TYPE_NAME] = {37, 6, -1, 0, 0},
		 [STYLE_STRING] = {71, 2, -1, 0, 0},
		 [STYLE_COMMENT] = {245, -1, -1, I, D},
		 [STYLE_NUMBER] = {172, 3, -1, 0, 0},
		 [STYLE_FUNCTION] = {32, 4, -1, 0, 0},
		 [STYLE_NAME] = {136, 3, -1, 0, 0},
		 [STYLE_MACRO] = {168, 5, -1, 0, B},
		 [STYLE_INSERTED] = {71, 2, -1, 0, B},
		 [STYLE_DELETED] = {167, 1, -1, 0, D},
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
		 [STYLE_KEYWORD] = {90, 5, -1, 0, B},
		 [STYLE_TYPE_NAME] = {30, 6, -1, 0, 0},
		 [STYLE_STRING] = {28, 2, -1, 0, 0},
		 [STYLE_COMMENT] = {244, -1, -1, I, D},
		 [STYLE_NUMBER] = {130, 3, -1, 0, 0},
		 [STYLE_FUNCTION] = {25, 4, -1, 0, 0},
		 [STYLE_NAME] = {94, 3, -1, 0, 0},
		 [STYLE_MACRO] = {125, 5, -1, 0, B},
		 [STYLE_INSERTED] = {28, 2, -1, 0, B},
		 [STYLE_DELETED] = {124, 1, -1, 0, D},
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
		 [STYLE_KEYWORD] = {176, 5, -1, 0, B},
		 [STYLE_TYPE_NAME] = {80, 6, -1, 0, 0},
		 [STYLE_STRING] = {150, 2, -1, 0, 0},
		 [STYLE_COMMENT] = {244, -1, -1, I, D},
		 [STYLE_NUMBER] = {215, 3, -1, 0, 0},
		 [STYLE_FUNCTION] = {117, 4, -1, 0, 0},
		 [STYLE_NAME] = {223, 3, -1, 0, 0},
		 [STYLE_MACRO] = {211, 5, -1, 0, B},
		 [STYLE_INSERTED] = {114, 2, -1, 0, B},
		 [STYLE_DELETED] = {203, 1, -1, 0, D},
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
	/* Okabe and Ito's palette: apart for every kind of colour vision, legible on light and dark. */
	{"colorblind",
	 true,
	 {
		 [STYLE_TEXT] = {-1, -1, -1, 0, 0},
		 [STYLE_USER] = {32, 6, -1, B, B},
		 [STYLE_DIM] = {245, -1, -1, 0, D},
		 [STYLE_TITLE] = {-1, -1, -1, R, R},
		 [STYLE_STATUS] = {245, -1, -1, 0, D},
		 [STYLE_ACCENT] = {32, 6, -1, 0, B},
		 [STYLE_ERROR] = {166, 1, -1, B | R, B | R},
		 [STYLE_WARNING] = {172, 3, -1, B, B},
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
		 [STYLE_INLINE_CODE] = {36, 2, -1, 0, B},
		 [STYLE_BULLET] = {245, -1, -1, 0, 0},
		 [STYLE_KEYWORD] = {32, 4, -1, B, B},
		 [STYLE_TYPE_NAME] = {36, 6, -1, 0, 0},
		 [STYLE_STRING] = {172, 3, -1, 0, 0},
		 [STYLE_COMMENT] = {245, -1, -1, I, D},
		 [STYLE_NUMBER] = {175, 5, -1, 0, 0},
		 [STYLE_FUNCTION] = {74, 6, -1, 0, 0},
		 [STYLE_NAME] = {166, 1, -1, 0, 0},
		 [STYLE_MACRO] = {175, 5, -1, B, B},
		 [STYLE_INSERTED] = {32, 4, -1, B, B},
		 [STYLE_DELETED] = {166, 3, -1, U, D},
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
