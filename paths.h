/* paths.h: where things live (XDG base directories, BORA_*_DIR overrides). */
#ifndef PATHS_H
#define PATHS_H

#include <stddef.h>

enum path_dir { PATH_CONFIG, PATH_DATA, PATH_STATE, PATH_CACHE, PATH_MODELS, PATH_DIRS };

char *path_dir(enum path_dir);                            /* absolute, no trailing slash; caller frees */
char *path_join(const char *dir, const char *name);       /* caller frees */
int path_make(const char *dir, char *err, size_t errlen); /* mkdir -p, mode 0700 */

#endif
