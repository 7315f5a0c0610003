/* schema.h: the tables, and the numbered steps from one version to the next. */
#ifndef SCHEMA_H
#define SCHEMA_H

#include "store.h"

enum { SCHEMA_VERSION = 2, SCHEMA_APPLICATION = 0x626f7261 }; /* "bora" in the file's header */

/* The version of an open store; 0: nothing in it yet; -1 and err: not ours. */
int schema_version(struct sessions *, char *err, size_t errlen);
/* Brings the store from `from` to SCHEMA_VERSION, all steps or none. */
int schema_migrate(struct sessions *, char *err, size_t errlen);
/* An older store that is to be read as it is: what it lacks stands there, empty, for this connection alone. */
int schema_stand_in(struct sessions *, char *err, size_t errlen);

#endif
