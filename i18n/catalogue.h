/* catalogue.h: the messages of every language, built into the program from
 * locale/LANG.txt by locale/make_catalogue.py. Sorted by key, bytewise. */
#ifndef CATALOGUE_H
#define CATALOGUE_H

#include <stddef.h>

struct catalogue_message {
	const char *key, *text;
};
struct catalogue {
	const char *language; /* "fr"; NULL ends the table */
	const struct catalogue_message *messages;
	size_t count;
};
extern const struct catalogue catalogue_table[];
extern const char *const catalogue_languages[]; /* the codes; NULL ends the table */

#endif
