/* split_name.h: names of the files of a model that comes in several: NAME-00001-of-00003.gguf and so on. */
#ifndef SPLIT_NAME_H
#define SPLIT_NAME_H

#include <stdbool.h>
#include <stddef.h>

enum { SPLIT_TAIL = sizeof("-00001-of-00002.gguf") - 1 }; /* bytes at the end that tell them apart */
/* Whether path is such a file's: which, and of how many, both from 1. */
bool split_name(const char *path, int *number, int *of);
/* The file of that number beside the one at path, which is such a file's; caller frees. */
char *split_name_of(const char *path, int number);

#endif
