/* inline.h: what stands in a paragraph, as text with styles; the parser for it and for blocks. */
#ifndef INLINE_H
#define INLINE_H

#include "piece.h"

#include <cmark-gfm.h>

/* Around what keeps its order from left to right among right-to-left letters. */
#define LEFT_TO_RIGHT_ISOLATE "\xE2\x81\xA6"
#define POP_ISOLATE           "\xE2\x81\xA9"

/* The document as cmark sees it, with GitHub's extensions; cmark_node_free. */
cmark_node *inline_parse(const char *source, size_t len);
bool inline_has_rtl(const char *text, size_t len); /* letters of a right-to-left script are in it */

struct inline_options {
	bool hyperlinks; /* addresses need not be written out */
	bool isolate;    /* right-to-left letters are near: code and addresses are fenced off */
};

/* Appends the inline children of the node. Lines of the source stay lines. */
void inline_render(const struct inline_options *, cmark_node *, unsigned style, struct rich *out);
/* Whether a terminal may be given this address: http, https and mailto, visible ASCII alone. */
bool inline_safe_url(const char *url);

#endif
