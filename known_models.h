/* known_models.h: the models that have a short name, of models/catalogue.tsv. */
#ifndef KNOWN_MODELS_H
#define KNOWN_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct known_model {
	char name[32]; /* "default" */
	char file[128];
	char sha256[65];
	char licence[64];
	char source[160]; /* what `bora pull` would take, "-": packages alone */
	uint64_t bytes;
};
bool known_models_at(size_t index, struct known_model *); /* in the table's order; false: behind its end */
bool known_models_find(const char *name, struct known_model *);
/* The licence that a file says itself, else that of the known model of its name; valid as long as said and *room. */
const char *known_models_licence(const char *path, const char *said, struct known_model *room);

/* Built in by models/embed.py. */
extern const char known_models_table[];  /* models/catalogue.tsv */
extern const char known_models_script[]; /* models/fetch.py: gets them as Python packages */

#endif
