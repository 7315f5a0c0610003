#include "piece.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rich_add(struct rich *r, const char *text, size_t len, unsigned style, uint32_t link)
{
	if (len == 0)
		return;
	uint32_t start = (uint32_t)r->text.len;
	buffer_append(&r->text, text, len);
	struct span *last = r->span_count ? &r->spans[r->span_count - 1] : NULL;
	if (last && last->style == style && last->link == link) {
		last->end = (uint32_t)r->text.len;
		return;
	}
	if (r->span_count == r->span_size) {
		r->span_size = r->span_size ? r->span_size * 2 : 8;
		r->spans = xreallocarray(r->spans, (size_t)r->span_size, sizeof(*r->spans));
	}
	r->spans[r->span_count++] = (struct span){start, (uint32_t)r->text.len, style, link};
}

uint32_t rich_link(struct rich *r, const char *url)
{
	uint32_t at = (uint32_t)r->links.len;
	buffer_append(&r->links, url, strlen(url) + 1);
	return at + 1;
}

void rich_free(struct rich *r)
{
	buffer_free(&r->text);
	buffer_free(&r->links);
	free(r->spans);
	*r = (struct rich){0};
}

struct piece *pieces_add(struct pieces *p, enum piece_kind kind)
{
	if (p->count == p->size) {
		p->size = p->size ? p->size * 2 : 1;
		p->list = xreallocarray(p->list, (size_t)p->size, sizeof(*p->list));
	}
	p->list[p->count] = (struct piece){.kind = kind, .rows = 1};
	return &p->list[p->count++];
}

void pieces_free(struct pieces *p)
{
	for (int i = 0; i < p->count; i++) {
		struct piece *piece = &p->list[i];
		for (int j = 0; j < piece->part_count; j++) {
			layout_free(&piece->parts[j].layout);
			free(piece->parts[j].text);
			free(piece->parts[j].spans);
		}
		free(piece->parts);
		free(piece->marks);
		free(piece->links);
	}
	free(p->list);
	*p = (struct pieces){0};
}

/* Links of several parts stand one after another in the piece. */
static void take_links(struct piece *piece, struct part *part, struct rich *r)
{
	size_t before = 0;
	if (!r->links.len)
		return;
	for (int i = 0; i < piece->part_count - 1; i++)
		for (int j = 0; j < piece->parts[i].span_count; j++) {
			uint32_t link = piece->parts[i].spans[j].link;
			size_t end = link ? link + strlen(piece->links + link - 1) : 0;
			before = end > before ? end : before;
		}
	piece->links = xreallocarray(piece->links, before + r->links.len, 1);
	memcpy(piece->links + before, r->links.data, r->links.len);
	for (int i = 0; i < part->span_count; i++)
		if (part->spans[i].link)
			part->spans[i].link += (uint32_t)before;
}

void piece_part(struct piece *piece, const struct i18n *tr, struct rich *r, int column,
		const struct layout_options *options)
{
	piece->parts = xreallocarray(piece->parts, (size_t)piece->part_count + 1, sizeof(*piece->parts));
	struct part *part = &piece->parts[piece->part_count++];
	*part = (struct part){.column = column, .width = options->width, .len = r->text.len};
	part->text = buffer_take(&r->text);
	part->spans = r->spans;
	part->span_count = r->span_count;
	take_links(piece, part, r);
	i18n_layout(tr, part->text, part->len, options, &part->layout);
	if (part->layout.count > piece->rows)
		piece->rows = part->layout.count;
	r->spans = NULL;
	r->span_count = r->span_size = 0;
	buffer_free(&r->links);
}

void piece_mark(struct piece *piece, int column, unsigned style, bool every, const char *text)
{
	piece->marks = xreallocarray(piece->marks, (size_t)piece->mark_count + 1, sizeof(*piece->marks));
	struct mark *mark = &piece->marks[piece->mark_count++];
	*mark = (struct mark){.column = column, .style = style, .every = every};
	snprintf(mark->text, sizeof(mark->text), "%s", text);
}

unsigned piece_style(const struct piece *piece, const struct part *part, uint32_t at, const char **link)
{
	int low = 0, high = part->span_count;
	*link = NULL;
	while (low < high) {
		int middle = (low + high) / 2;
		if (part->spans[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == part->span_count || part->spans[low].start > at)
		return STYLE_TEXT;
	if (part->spans[low].link && piece->links)
		*link = piece->links + part->spans[low].link - 1;
	return part->spans[low].style;
}

int piece_row_width(const struct layout_row *row)
{
	if (row->count == 0)
		return 0;
	const struct layout_cell *last = &row->cells[row->count - 1];
	return last->column + last->width - row->cells[0].column;
}

int piece_shift(const struct part *part, const struct layout_row *row)
{
	if (!part->align || row->count == 0)
		return 0;
	int room = part->width - piece_row_width(row), left = row->cells[0].column;
	return (part->align == 'r' ? room : part->align == 'c' ? room / 2 : 0) - left;
}
