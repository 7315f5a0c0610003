/* table.h: tables as rows of cells, aligned for any script. */
#ifndef TABLE_H
#define TABLE_H

#include "prose.h"

/* The widths of a table's columns, for rows that come in another chunk. */
struct table_shape {
	int columns;
	int *widths; /* NULL: the rows are too narrow for columns, cells stand below each other */
	bool rtl;    /* the first column is on the right */
};

/* A table: its shape is measured when shape->columns is 0, else given; without
 * its head when more is set (the source repeats it all the same). */
void table_render(const struct prose_options *, const char *source, size_t len, struct table_shape *shape, bool more,
		  struct pieces *out);
void table_shape_free(struct table_shape *);

#endif
