/* folder.h: the files of a folder that belong to it: what git knows of in a repository, else what
 * no .gitignore leaves out and no name beginning with a dot hides. */
#ifndef FOLDER_H
#define FOLDER_H

#include <stdbool.h>

struct folder;

struct folder *folder_open(const char *path);
void folder_free(struct folder *);
bool folder_step(struct folder *); /* whether all are known; git takes a moment */
int folder_count(const struct folder *);
const char *folder_name(const struct folder *, int i); /* below the folder, in order */

#endif
