/* ignore.h: which files of a folder its .gitignore files leave out, by gitignore(5). */
#ifndef IGNORE_H
#define IGNORE_H

#include <stdbool.h>
#include <stddef.h>

struct ignore;

struct ignore *ignore_create(void);
void ignore_free(struct ignore *);
/* The lines of the .gitignore in folder, "" for the one on top, else "src/". Outer ones come first. */
void ignore_add(struct ignore *, const char *folder, const char *text, size_t len);
bool ignore_matches(const struct ignore *, const char *path, bool is_folder); /* path below the top folder */

#endif
