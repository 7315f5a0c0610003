/* office.h: the text of office documents, out of the XML that their archives hold. */
#ifndef OFFICE_H
#define OFFICE_H

#include "../xmalloc.h"

#include <stddef.h>

enum office_kind {
	OFFICE_NONE,
	OFFICE_WORDS,  /* DOCX: word/document.xml */
	OFFICE_SLIDES, /* PPTX: ppt/slides/slide*.xml */
	OFFICE_SHEETS, /* XLSX: xl/sharedStrings.xml, xl/styles.xml, xl/worksheets/sheet*.xml */
	OFFICE_OPEN,   /* ODT, ODS, ODP: content.xml */
	OFFICE_PAGES,  /* EPUB: its pages in XHTML */
};

/* Appends what people read in xml: files of one document, one behind the other, in any order. A paragraph is a line, a
 * row of a table too, with tabs between its cells. Damaged XML gives what can be read of it. */
void office_text(enum office_kind, const char *xml, size_t len, struct buffer *out);

#endif
