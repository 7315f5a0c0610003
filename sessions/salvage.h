/* salvage.h: rows out of a damaged database file.
 *
 * Reads the file's pages itself (https://www.sqlite.org/fileformat2.html), so that
 * a broken header, tree or index hides nothing: every page that looks like a leaf
 * of a table is searched for records shaped like ours. secure_delete, which the
 * store always has on, wipes what was deleted, so nothing comes back from the dead. */
#ifndef SALVAGE_H
#define SALVAGE_H

#include "store.h"

struct salvage { /* what was found */
	int sessions, messages;
	int cut; /* messages of which only the beginning could be read */
};

/* Inserts every session and message found in the bytes of a file into the store,
 * in a transaction with foreign keys off; places may be wrong afterwards.
 * line: told of each message that was cut. */
int salvage_rows(struct sessions *to, const unsigned char *file, size_t len, struct salvage *found,
		 sessions_line_fn *line, void *arg, char *err, size_t errlen);

#endif
